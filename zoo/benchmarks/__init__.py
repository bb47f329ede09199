"""Small benchmarks with known answers: the same networks, data and budget for a list of models.

python -m zoo.benchmarks synthetic --seeds=0,1,2 --out=runs/benchmarks
"""
