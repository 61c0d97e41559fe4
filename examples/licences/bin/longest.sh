task=Longest
. bin/task.sh
for file in work/texts/*; do echo "$(wc -c < "$file") $(basename "$file")"; done | sort -rn | head -1 |
    awk '{ print $2 }' | save longest
cat work/longest
