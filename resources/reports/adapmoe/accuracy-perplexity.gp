set terminal pngcairo size 960,560 font "sans,11"
set output "accuracy-perplexity.png"
set title "Perplexity against the whole top-k"
set xlabel "experts per token and layer"
set ylabel "%"
set grid
set key outside right noenhanced
$s0 << END
1.20497 2.18049
1.30827 1.30186
1.40746 1.04202
1.50713 0.705661
1.60548 0.521707
1.70377 0.406458
1.80294 0.292717
1.90054 0.17676
END
$s1 << END
1.20339 1.86442
1.30601 1.25775
1.40846 1.08958
1.50703 1.07332
1.6038 0.9067
1.70234 0.562962
1.80213 0.373838
1.8999 0.112977
END
$s2 << END
1.20579 7.10513
1.30799 7.02356
1.40348 6.62048
1.50334 5.35233
1.60397 3.9104
1.70285 2.40158
1.80265 1.08887
1.89992 0.21389
END
$s3 << END
1.20784 5.11281
1.30926 4.07132
1.4072 3.48586
1.50446 2.75136
1.60431 2.13203
1.70296 1.28077
1.80097 0.732941
1.90046 0.132065
END
$s4 << END
1.125 7.57787
1.25 6.75475
1.375 6.75758
1.5 3.98847
1.5 3.98847
1.625 4.37692
1.75 3.49573
1.875 3.37471
END
$s5 << END
1.19971 5.93847
1.29988 5.3197
1.39839 4.63189
1.49905 3.66218
1.59914 2.99035
1.6981 2.12954
1.79764 1.34103
1.89877 0.767059
END
plot $s0 using 1:2 with linespoints lw 2 pt 4 title "adapmoe-pair", \
     $s1 using 1:2 with linespoints lw 2 pt 5 title "adapmoe", \
     $s2 using 1:2 with linespoints lw 2 pt 6 title "adapmoe-paper", \
     $s3 using 1:2 with linespoints lw 2 pt 7 title "score", \
     $s4 using 1:2 with linespoints lw 2 pt 8 title "static-k", \
     $s5 using 1:2 with linespoints lw 2 pt 9 title "random"
