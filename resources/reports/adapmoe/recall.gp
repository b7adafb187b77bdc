set terminal pngcairo size 960,560 font "sans,11"
set output "recall.png"
set title "Experts foreseen by the next layers' gates"
set xlabel "layer"
set ylabel "recall, %"
set grid
set key outside right noenhanced
$s0 << END
1 91.7236
2 93.1702
3 93.103
4 91.925
5 88.9221
6 89.1235
7 89.032
END
$s1 << END
2 87.9395
3 90.2405
4 88.8184
5 84.6985
6 85.1746
7 85.0098
END
$s2 << END
3 85.022
4 83.8013
5 81.8542
6 81.8298
7 82.4158
END
plot $s0 using 1:2 with linespoints lw 2 pt 4 title "1 ahead", \
     $s1 using 1:2 with linespoints lw 2 pt 5 title "2 ahead", \
     $s2 using 1:2 with linespoints lw 2 pt 6 title "3 ahead"
