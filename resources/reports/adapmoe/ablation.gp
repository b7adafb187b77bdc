set terminal pngcairo size 960,560 font "sans,11"
set output "ablation.png"
set title "Speed against base, half of the experts cached, median"
set xlabel ""
set ylabel "x base"
set grid
set key outside right noenhanced
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8
set yrange [0:*]
set xtics noenhanced rotate by -30
$bars << END
"base" 1 1 1
"gating" 1.32507 1.28321 1.38553
"prefetch" 1.23892 1.13627 0.98515
"allocation" 1.04914 0.978746 0.988421
"gating+prefetch" 1.31331 1.39335 1.38157
"gating+allocation" 1.3124 1.04196 1.14324
"prefetch+allocation" 1.18393 1.14779 1.0355
"all" 1.66121 1.45433 1.42363
"all-residency" 1.56694 1.44172 1.65165
END
plot $bars using 2:xtic(1) title "pcie3x16", \
     $bars using 3:xtic(1) title "pcie4x16", \
     $bars using 4:xtic(1) title "0.6"
