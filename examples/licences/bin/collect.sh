task=Collect
. bin/task.sh
names=
for file in /usr/share/common-licenses/*; do
    [ -f "$file" ] || continue
    name=$(basename "$file")
    cp -L "$file" "work/texts/$name"
    names="$names${names:+, }\"$name\""
done
echo "[$names]"
