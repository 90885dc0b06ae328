"""How fast the panel is: all of it, as `ollamactl up` starts it, beside what it is compared to.

`make bench` runs every part, `make bench BENCH_ARGS="start"` one. Each figure that the project
states comes from here; a figure and what it is compared to are measured in turns in one run, so
that the load of the machine meets both.
"""
