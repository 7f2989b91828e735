# SPDX-License-Identifier: Apache-2.0
# bash completion for mockproxy. Commands and options are asked of the program, so that they are never out of date.

_mockproxy_commands()
{
	"${COMP_WORDS[0]}" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

_mockproxy()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]-} i
	COMPREPLY=()

	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_mockproxy_commands) --help --version" -- "$current")
		return
	fi
	# Behind "--" is a command line of its own.
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			else
				mapfile -t COMPREPLY < <(compgen -A command -A file -- "$current")
			fi
			return
		fi
	done
	if [[ $command == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_mockproxy_commands)" -- "$current")
		return
	fi
	case $previous in
	--timing) mapfile -t COMPREPLY < <(compgen -W "none recorded 10x" -- "$current") ;;
	--repeat) mapfile -t COMPREPLY < <(compgen -W "last cycle error" -- "$current") ;;
	--self) COMPREPLY=(record) ;;
	*)
		if [[ $current == -* ]]; then
			local options
			options=$("${COMP_WORDS[0]}" "$command" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+' | sort -u)
			mapfile -t COMPREPLY < <(compgen -W "$options --" -- "$current")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
		fi
		;;
	esac
}
complete -F _mockproxy -o filenames mockproxy
