"""Packaging of tfvae and its zoo."""

import pathlib

from setuptools import find_namespace_packages, setup

_README = pathlib.Path(__file__).parent / "README.md"

setup(
    name="tfvae",
    version="0.1.0",
    description="A TensorFlow model zoo of variational auto-encoders that do not collapse",
    long_description=_README.read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="the tfvae developers",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords=[
        "variational autoencoder",
        "posterior collapse",
        "deep generative models",
        "representation learning",
        "tensorflow",
        "keras",
    ],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    python_requires=">=3.10,<3.14",
    packages=find_namespace_packages(include=["tfvae", "tfvae.*", "zoo", "zoo.*"]),
    package_data={
        "tfvae": ["py.typed", "templates/*"],
        "zoo": ["py.typed", "flagfiles/*.flags", "templates/*"],
    },
    py_modules=["train_main"],
    entry_points={"console_scripts": ["tfvae = zoo.command.console:main"]},
    install_requires=[
        # tf_keras is what TFP imports; the project itself never does.
        "tensorflow>=2.21,<2.22",
        "tf-keras>=2.21,<2.22",
        "tensorflow-probability==0.25.*",
        "keras>=3.12,<3.16",
        "tensorflow-datasets>=4.9.10,<4.10",
        "importlib_resources>=6,<8",  # undeclared import of tensorflow-datasets
        "array_record>=0.8,<1",  # sets larger than memory
        "absl-py>=2.1,<3",
        "numpy>=1.26,<3",
        "scipy>=1.11,<2",  # chardata.mat
        "scikit-learn>=1.4,<2",  # the embedded digits; linear probes
        "matplotlib>=3.8,<4",  # figures of the report
        "pillow>=10,<14",
        "jinja2>=3.1,<4",  # the pages
        "rich>=13,<16",  # tables in a terminal; Keras needs it too
        "tensorboard>=2.20,<2.22",
    ],
    extras_require={
        "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
        "hub": ["huggingface_hub>=0.34,<3"],
        "litert": ["ai-edge-litert>=2,<3"],
        "mlflow": ["mlflow-skinny>=3,<4", "sqlalchemy>=2,<3", "alembic>=1.13,<2"],
        "notebooks": ["ipykernel>=6.29,<8", "nbclient>=0.10,<1"],
        "onnx": ["onnx>=1.16,<2", "onnxruntime>=1.18,<2", "tf2onnx>=1.17,<2"],
        "ray": ["ray>=2.40,<3"],
        "sweep": ["optuna>=4.2,<6"],
        "docs": [
            "mkdocs-material>=9.5,<10",
            "mkdocstrings[python]>=0.26,<2",
            "mkdocs-gen-files>=0.5,<1",
            "mkdocs-literate-nav>=0.6,<1",
        ],
        "test": [
            "pytest>=8,<10",
            "pytest-xdist>=3.5,<4",
            "dill>=0.3,<1",
            "huggingface_hub>=0.34,<3",  # of the extra hub
            "optuna>=4.2,<6",  # of the extra sweep
            "ruff>=0.8,<1",
            "pyright[nodejs]>=1.1.414,<2",  # with a node of its own
        ],
        "umap": ["umap-learn>=0.5.7,<1"],
        "wandb": ["wandb>=0.19,<1"],
    },
)
