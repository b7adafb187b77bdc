set terminal pngcairo size 960,560 font "sans,11"
set output "accuracy-kl.png"
set title "KL to the whole top-k"
set xlabel "experts per token and layer"
set ylabel "nats per token"
set grid
set key outside right noenhanced
$s0 << END
1.20497 0.0348909
1.30827 0.026282
1.40746 0.0191752
1.50713 0.0139365
1.60548 0.00932411
1.70377 0.00582285
1.80294 0.00289601
1.90054 0.000824258
END
$s1 << END
1.20339 0.0347023
1.30601 0.0272337
1.40846 0.0212898
1.50703 0.0164191
1.6038 0.0118
1.70234 0.00623642
1.80213 0.00276985
1.8999 0.000808947
END
$s2 << END
1.20579 0.0698257
1.30799 0.061982
1.40348 0.0539695
1.50334 0.0419367
1.60397 0.0258789
1.70285 0.0127419
1.80265 0.00485073
1.89992 0.00111863
END
$s3 << END
1.20784 0.0515014
1.30926 0.0405174
1.4072 0.030325
1.50446 0.0219956
1.60431 0.0143531
1.70296 0.00741676
1.80097 0.00322486
1.90046 0.000830317
END
$s4 << END
1.125 0.0776857
1.25 0.0695962
1.375 0.0668026
1.5 0.0480659
1.5 0.0480659
1.625 0.0418552
1.75 0.0319733
1.875 0.0249664
END
$s5 << END
1.19971 0.0686774
1.29988 0.0616955
1.39839 0.0543864
1.49905 0.0464712
1.59914 0.0385954
1.6981 0.0304641
1.79764 0.0207329
1.89877 0.0098518
END
plot $s0 using 1:2 with linespoints lw 2 pt 4 title "adapmoe-pair", \
     $s1 using 1:2 with linespoints lw 2 pt 5 title "adapmoe", \
     $s2 using 1:2 with linespoints lw 2 pt 6 title "adapmoe-paper", \
     $s3 using 1:2 with linespoints lw 2 pt 7 title "score", \
     $s4 using 1:2 with linespoints lw 2 pt 8 title "static-k", \
     $s5 using 1:2 with linespoints lw 2 pt 9 title "random", \
     0.000141008 with lines dt 2 lc rgb "gray40" title "Q8_0 against f16", \
     0.0147067 with lines dt 2 lc rgb "gray40" title "Q4_0 against f16"
