task=Report
. bin/task.sh
echo "$(ls work/texts | wc -l | tr -d ' ') licence texts: $(cat work/words) words in $(cat work/lines) lines; the longest is $(cat work/longest)."
