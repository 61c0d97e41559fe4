task=Words
. bin/task.sh
sleep 3 # so that there is time to kill the node in the middle of it
cat work/texts/* | wc -w | tr -d ' ' | save words
cat work/words
