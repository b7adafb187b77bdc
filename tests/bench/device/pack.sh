#!/usr/bin/env bash
# Packs what was built here to run on a machine with a GPU but without our libraries, display or fonts: pack.sh BUILD ARCHIVE.tar.xz
# Goes in what BUILD holds of moescope-engine, gpu_device_test and moescope (with Qt's offscreen platform and fonts), and every
# library that these load but glibc's and the driver's. There: unpack, then `source FOLDER/environment` sets the paths.
set -euo pipefail
build=$1
archive=$(realpath -m "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/lib"
for program in app/moescope-engine app/moescope tests/gpu_device_test; do
    [ -x "$build/$program" ] || continue
    cp "$build/$program" "$work/"
    strip "$work/${program##*/}"
done
if [ -x "$work/moescope" ]; then
    plugins=$(qtpaths6 --query QT_INSTALL_PLUGINS)
    mkdir -p "$work"/plugins/{platforms,iconengines,imageformats} "$work/fonts"
    cp "$plugins/platforms/libqoffscreen.so" "$work/plugins/platforms/"
    cp "$plugins/iconengines/libqsvgicon.so" "$work/plugins/iconengines/"
    cp "$plugins/imageformats/libqsvg.so" "$work/plugins/imageformats/"
    for font in DejaVuSans DejaVuSans-Bold DejaVuSansMono DejaVuSansMono-Bold; do
        cp "/usr/share/fonts/truetype/dejavu/$font.ttf" "$work/fonts/"
    done
fi
find "$work" -type f \( -perm -u+x -o -name '*.so' \) -print0 | xargs -0 ldd 2>/dev/null |
    awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
    grep -vE '/(ld-linux[^/]*|lib(c|m|dl|rt|pthread|resolv)|libcuda|libnvidia-[^/]*)\.so' |
    xargs -I{} cp -L {} "$work/lib/"
cat >"$work/environment" <<'END'
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LD_LIBRARY_PATH=$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export QT_QPA_PLATFORM=offscreen QT_PLUGIN_PATH=$folder/plugins QT_QPA_FONTDIR=$folder/fonts
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$(mktemp -d)} XDG_DATA_HOME=${XDG_DATA_HOME:-$(mktemp -d)}
printf '<?xml version="1.0"?><fontconfig><dir>%s/fonts</dir><cachedir>%s</cachedir></fontconfig>\n' "$folder" "$XDG_RUNTIME_DIR" \
    >"$XDG_RUNTIME_DIR/fonts.conf"
export FONTCONFIG_FILE=$XDG_RUNTIME_DIR/fonts.conf
END
tar -C "$work" -cf - . | xz -T0 -6 >"$archive"
du -h "$archive" | cut -f1
