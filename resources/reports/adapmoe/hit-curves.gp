set terminal pngcairo size 960,560 font "sans,11"
set output "hit-curves.png"
set title "Eviction against the optimum"
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
8 14.6905
16 32.257
24 47.9632
32 61.9587
40 74.0832
48 84.5718
56 92.9434
64 100
END
$s2 << END
8 14.6905
16 32.257
24 47.9632
32 61.9587
40 74.0832
48 84.5718
56 92.9434
64 100
END
$s3 << END
8 14.6905
16 32.257
24 47.9418
32 61.777
40 73.8266
48 84.112
56 92.7082
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
plot $s0 using 1:2 with linespoints lw 2 pt 4 title "lru", \
     $s1 using 1:2 with linespoints lw 2 pt 5 title "lfu", \
     $s2 using 1:2 with linespoints lw 2 pt 6 title "lcu", \
     $s3 using 1:2 with linespoints lw 2 pt 7 title "weighted", \
     $s4 using 1:2 with linespoints lw 2 pt 8 title "belady"
