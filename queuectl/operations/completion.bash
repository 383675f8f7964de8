# Completion of queuectl's command lines in bash. In ~/.bashrc: eval "$(queuectl completion bash)"
_queuectl() {
    local answer line
    COMPREPLY=()
    answer=$(@PROGRAM@ completion bash -- "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
    while IFS= read -r line; do
        case $line in
            $'\tfiles') compopt -o default 2>/dev/null ;;
            $'\tdirectories') compopt -o dirnames 2>/dev/null ;;
            ?*) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done <<<"$answer"
    compopt -o nosort 2>/dev/null # the newest job comes first; an older bash sorts
}
complete -F _queuectl queuectl
