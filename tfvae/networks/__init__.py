"""Encoders and decoders: Keras layers that know neither distributions nor objectives."""

from tfvae.networks.anti_causal import AntiCausalEncoder
from tfvae.networks.autoregressive_decoder import AutoregressiveDecoder
from tfvae.networks.conditioners import GridConditioner, VectorConditioner
from tfvae.networks.deconvolutional import DeconvolutionalImage
from tfvae.networks.factorised_decoder import FactorisedDecoder
from tfvae.networks.gated_pixelcnn import GatedPixelCNN
from tfvae.networks.heads import ChannelAutoregressiveHead, DenseHead
from tfvae.networks.masked import CausalConv2D
from tfvae.networks.mlp import MLPEncoder, MLPImage
from tfvae.networks.no_encoder import NoEncoder
from tfvae.networks.pixel_snail import PixelSNAIL
from tfvae.networks.resnet import GridEncoder, ResNetEncoder

__all__ = [
    "AntiCausalEncoder",
    "AutoregressiveDecoder",
    "CausalConv2D",
    "ChannelAutoregressiveHead",
    "DeconvolutionalImage",
    "DenseHead",
    "FactorisedDecoder",
    "GatedPixelCNN",
    "GridConditioner",
    "GridEncoder",
    "MLPEncoder",
    "MLPImage",
    "NoEncoder",
    "PixelSNAIL",
    "ResNetEncoder",
    "VectorConditioner",
]
