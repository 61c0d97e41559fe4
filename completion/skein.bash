# skein.bash - completion for bash, made from src/cli/commands_map.h.
# SPDX-License-Identifier: Apache-2.0

_skein_runs() {
    skein ps --all 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_skein() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local groups="domain journal secret blob clock"
    local command= options= words= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --project|-p) ((i++)) ;;
            -*) ;;
            *) command=${command:+$command }${COMP_WORDS[i]}
               [[ " $groups " == *" $command "* ]] || break ;;
        esac
    done
    COMPREPLY=()
    compopt -o filenames 2>/dev/null
    case $before in
        --project|-p) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    esac
    local commands="init check fmt graph describe events explain lsp run resume ps show logs verify backup restore sim status domain journal secret blob clock help"
    case $command in
        '') words=$commands ;;
        'init') options=""; words="$(compgen -d -- "$word")" ;;
        'check') options=""; words="$(compgen -f -- "$word")" ;;
        'fmt') options=" --check --diff"; words="$(compgen -f -- "$word")" ;;
        'graph') options=" --format --data --diff"; words="$(compgen -f -- "$word")" ;;
        'describe') options=""; words="$(compgen -f -- "$word")" ;;
        'events') options=""; words="" ;;
        'explain') options=""; words="" ;;
        'lsp') options=""; words="" ;;
        'run') options=" --input --name --label --detach --dry-run"; words="$(compgen -f -- "$word")" ;;
        'resume') options=" --detach --all"; words="last $(_skein_runs)" ;;
        'ps') options=" --all"; words="" ;;
        'show') options=""; words="last $(_skein_runs)" ;;
        'logs') options=""; words="last $(_skein_runs)" ;;
        'verify') options=" --replay --key-command"; words="$(compgen -d -- "$word")" ;;
        'backup') options=""; words="$(compgen -d -- "$word")" ;;
        'restore') options=" --copy"; words="$(compgen -d -- "$word")" ;;
        'sim') options=" --seed --seeds --steps --seconds --faults --trace --shrink --check"; words="" ;;
        'status') options=""; words="" ;;
        domain) words="ls get send trace resume redeliver rm history" ;;
        'domain ls') options=" --type --faulted --limit --after"; words="" ;;
        'domain get') options=" --limit --after --at"; words="" ;;
        'domain send') options=" --id --priority --wait --secret"; words="" ;;
        'domain trace') options=" --last"; words="" ;;
        'domain resume') options=""; words="" ;;
        'domain redeliver') options=" --all --close"; words="" ;;
        'domain rm') options=""; words="" ;;
        'domain history') options=" --limit --since --until --values"; words="" ;;
        journal) words="dump" ;;
        'journal dump') options=" --from --values"; words="$(compgen -d -- "$word")" ;;
        secret) words="key status rotate" ;;
        'secret key') options=""; words="" ;;
        'secret status') options=""; words="" ;;
        'secret rotate') options=""; words="" ;;
        blob) words="put get ls info rm" ;;
        'blob put') options=""; words="" ;;
        'blob get') options=""; words="" ;;
        'blob ls') options=" --limit --after"; words="" ;;
        'blob info') options=""; words="" ;;
        'blob rm') options=""; words="" ;;
        clock) words="accept" ;;
        'clock accept') options=""; words="" ;;
        'help') options=""; words="$commands" ;;
    esac
    if [[ $word == -* ]]; then words="$options --json --project --help --version"; fi
    local IFS=$' \t\n'
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _skein skein
