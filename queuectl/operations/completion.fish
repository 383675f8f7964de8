# Completion of queuectl's command lines in fish. In ~/.config/fish/config.fish: queuectl completion fish | source
function __queuectl_candidates
    set -l words (commandline -opc)
    set -e words[1]
    set -l token (commandline -ct)
    # What cannot be read for its open quote is read without it.
    set -l partial (string unescape -- $token; or string trim --left --chars '\'"' -- $token)
    set -l answer (@PROGRAM@ completion fish -- $words "$partial" 2>/dev/null </dev/null)
    set -l option (string match --regex -- '^--[^=]*=' "$partial")
    set -l value (string replace --regex -- '^--[^=]*=' '' "$partial")
    switch "$answer[1]"
        case \tfiles
            printf "$option%s\n" (__fish_complete_path "$value")
        case \tdirectories
            printf "$option%s\n" (__fish_complete_directories "$value")
        case '*'
            printf '%s\n' $answer
    end
end
complete --command queuectl --no-files --keep-order --arguments '(__queuectl_candidates)'
