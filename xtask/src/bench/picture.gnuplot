# The times of lists by their number of objects, both axes logarithmic. `$times` has a line for each list: its
# objects, then the seconds of each program, or NaN.
set terminal svg size 720,440 fixed font "sans-serif,13" background "#ffffff"
set datafile missing "NaN"
set logscale xy
set xrange [5:150000]
set yrange [0.0005:120]
set xlabel "objects in the list (1.2 KB each)"
set xtics ("10" 10, "100" 100, "1,000" 1000, "10,000" 10000, "100,000" 100000)
set ytics ("1 ms" 0.001, "10 ms" 0.01, "100 ms" 0.1, "1 s" 1, "10 s" 10, "1 min" 60)
set grid xtics ytics linecolor "#dddddd"
set border 3 linecolor "#888888"
set tics nomirror scale 0.5
set rmargin 25
set key outside right top Left reverse samplen 2 spacing 1.3 width -4
set style data linespoints
plot for [i = 2:|names| + 1] $times using 1:i title names[i - 1] linewidth 2 pointtype 7 pointsize 0.5 linecolor rgb colours[i - 1]
