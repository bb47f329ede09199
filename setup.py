"""Packaging of tfvae and its zoo."""

from setuptools import find_namespace_packages, setup

setup(
    name="tfvae",
    version="0.1.0",
    description="A TensorFlow model zoo of variational auto-encoders that do not collapse",
    python_requires=">=3.10,<3.14",
    packages=find_namespace_packages(include=["tfvae", "tfvae.*", "zoo", "zoo.*"]),
    package_data={"zoo": ["flagfiles/*.flags"]},
    py_modules=["train_main"],
    install_requires=[
        # tf_keras is what TFP imports; the project itself never does.
        "tensorflow>=2.21,<2.22",
        "tf-keras>=2.21,<2.22",
        "tensorflow-probability==0.25.*",
        "keras>=3.12,<3.16",
        "tensorflow-datasets>=4.9.10,<4.10",
        "importlib_resources>=6,<8",  # undeclared import of tensorflow-datasets
        "absl-py>=2.1,<3",
        "numpy>=1.26,<3",
        "scipy>=1.11,<2",  # chardata.mat
        "scikit-learn>=1.4,<2",  # the embedded digits; linear probes
        "matplotlib>=3.8,<4",  # figures of the report
        "pillow>=10,<14",
        "tensorboard>=2.20,<2.22",
    ],
    extras_require={
        "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
        "test": ["pytest>=8,<10", "pytest-xdist>=3.5,<4", "dill>=0.3,<1", "ruff>=0.8,<1"],
    },
)
