set terminal pngcairo size 960,560 font "sans,11"
set output "allocation.png"
set title "Allocation, LRU"
set xlabel "slots"
set ylabel "hit rate, %"
set grid
set key outside right noenhanced
$s0 << END
8 14.6905
16 32.257
24 45.2475
32 58.4518
40 71.0467
48 82.7221
56 92.1736
64 100
END
$s1 << END
8 0
16 31.8401
24 33.8929
32 51.5984
40 67.0694
48 81.097
56 92.5158
64 100
END
$s2 << END
8 14.6905
16 32.257
24 45.2475
32 58.4518
40 71.0467
48 82.7221
56 92.1736
64 100
END
$s3 << END
8 14.6905
16 32.1929
24 45.2261
32 57.4575
40 71.1857
48 81.9416
56 94.034
64 100
END
$s4 << END
8 14.6905
16 32.257
24 57.4682
32 72.4367
40 82.9039
48 90.463
56 95.8837
64 100
END
plot $s0 using 1:2 with linespoints lw 2 pt 4 title "uniform", \
     $s1 using 1:2 with linespoints lw 2 pt 5 title "global", \
     $s2 using 1:2 with linespoints lw 2 pt 6 title "adapmoe-dp", \
     $s3 using 1:2 with linespoints lw 2 pt 7 title "curves", \
     $s4 using 1:2 with linespoints lw 2 pt 8 title "belady"
