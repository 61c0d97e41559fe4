# skein.bash - completion for bash, made from src/cli/commands_map.h.
# SPDX-License-Identifier: Apache-2.0

_skein_runs() {
    skein ps --all 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_skein() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local command= options= words= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --project|-p) ((i++)) ;;
            -*) ;;
            *) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    COMPREPLY=()
    compopt -o filenames 2>/dev/null
    case $before in
        --project|-p) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    esac
    local commands="init check run resume ps show logs verify sim help"
    case $command in
        '') words=$commands ;;
        init) options=""; words="$(compgen -d -- "$word")" ;;
        check) options=""; words="$(compgen -f -- "$word")" ;;
        run) options=" --input --name --label --detach --dry-run"; words="$(compgen -f -- "$word")" ;;
        resume) options=" --detach --all"; words="last $(_skein_runs)" ;;
        ps) options=" --all"; words="" ;;
        show) options=""; words="last $(_skein_runs)" ;;
        logs) options=""; words="last $(_skein_runs)" ;;
        verify) options=""; words="$(compgen -d -- "$word")" ;;
        sim) options=" --seed --seeds --steps --seconds --faults --trace --shrink --check"; words="" ;;
        help) options=""; words="$commands" ;;
    esac
    if [[ $word == -* ]]; then words="$options --json --project --help --version"; fi
    local IFS=$' \t\n'
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _skein skein
