set terminal pngcairo size 960,560 font "sans,11"
set output "residency.png"
set title "Bytes over the link against their price, half of the experts cached"
set xlabel "KL, nats per token"
set ylabel "MB per token"
set grid
set key outside right noenhanced
$s0 << END
0 2.73289
END
$s1 << END
0.0008233 2.59906
0.00270431 2.47972
0.00560877 2.3155
0.00930651 2.13394
0.0140792 1.97819
0.0196655 1.8157
0.0256625 1.67637
0.0343579 1.54571
END
$s2 << END
0.000447894 2.59478
0.00129232 2.46728
0.00242078 2.30734
0.00463932 2.12792
0.00647603 1.97921
0.0099887 1.81509
0.0127822 1.66393
0.0164757 1.52368
0.0234633 1.35425
0.0343777 1.28275
0.0376658 1.27072
END
plot $s0 using 1:2 with linespoints lw 2 pt 4 title "topk", \
     $s1 using 1:2 with linespoints lw 2 pt 5 title "adapmoe-pair", \
     $s2 using 1:2 with linespoints lw 2 pt 6 title "adapmoe-residency"
