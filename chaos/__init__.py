"""What the panel survives: all of it, as `ollamactl up` starts it, hurt while models are pulled.

`make chaos` runs every scenario on a real Ollama and a real registry, and the first ones on the
simulated Ollama too; `make chaos CHAOS_ARGS="--scenario worker"` runs one. A scenario is a fault
that comes in the middle of many pulls; afterwards the same promises are checked, whatever the fault
was (`chaos.verdict`). What is random comes from the seed that is printed.
"""
