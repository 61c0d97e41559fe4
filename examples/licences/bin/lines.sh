task=Lines
. bin/task.sh
cat work/texts/* | wc -l | tr -d ' ' | save lines
cat work/lines
