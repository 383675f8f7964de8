#compdef queuectl
# Completion of queuectl's command lines in zsh. In ~/.zshrc: eval "$(queuectl completion zsh)"
_queuectl() {
    local answer line
    local -a texts shown
    answer=$(@PROGRAM@ completion zsh -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)
    for line in "${(@f)answer}"; do
        case $line in
            ($'\tfiles') compset -P '-*='; _files; return ;;
            ($'\tdirectories') compset -P '-*='; _files -/; return ;;
            (?*) texts+=("${line%%$'\t'*}"); shown+=("${line/$'\t'/  -- }") ;;
        esac
    done
    # In the order given, the newest job first. zsh quotes them itself.
    (( $#texts )) && compadd -V queuectl -l -d shown -a texts
}
if [[ ${funcstack[1]-} == _queuectl ]]; then # a file in $fpath, which is called
    _queuectl "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _queuectl queuectl
fi
