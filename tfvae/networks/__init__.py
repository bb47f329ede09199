"""Encoders and decoders: Keras layers that know neither distributions nor objectives."""

from tfvae.networks.anti_causal import AntiCausalEncoder
from tfvae.networks.autoregressive_decoder import AutoregressiveDecoder
from tfvae.networks.beam import beam_search
from tfvae.networks.classifier import Classifier
from tfvae.networks.column_variances import ColumnVariances
from tfvae.networks.condition import ExampleIndex, LabelCondition, joined
from tfvae.networks.conditioners import GridConditioner, ImageConditioner, VectorConditioner
from tfvae.networks.decoder import Decoder
from tfvae.networks.deconvolutional import DeconvolutionalImage
from tfvae.networks.dilated import DilatedCNN
from tfvae.networks.dropout import word_dropout
from tfvae.networks.factorised_decoder import FactorisedDecoder
from tfvae.networks.gated import GatedDense
from tfvae.networks.gated_pixelcnn import GatedPixelCNN
from tfvae.networks.grid_image import GridImage
from tfvae.networks.heads import ChannelAutoregressiveHead, DenseHead
from tfvae.networks.information_dropout import CHARGED, InformationDropout, NoisyEncoder
from tfvae.networks.injective import ConvexGradient, InjectiveImage
from tfvae.networks.join import JoinAbove
from tfvae.networks.levels import GatedJoin, GatedLevels, LevelEncoders
from tfvae.networks.made import MADE
from tfvae.networks.masked import CausalConv2D
from tfvae.networks.masked_pixelcnn import MaskedConv2D, MaskedPixelCNN
from tfvae.networks.mlp import MLPEncoder, MLPImage
from tfvae.networks.no_decoder import NoDecoder
from tfvae.networks.no_encoder import NoEncoder
from tfvae.networks.pixel_snail import PixelSNAIL
from tfvae.networks.positional_text_decoder import PositionalTextDecoder
from tfvae.networks.recurrent import LSTMNetwork
from tfvae.networks.resnet import GridEncoder, ResNetEncoder
from tfvae.networks.shared_variance import SharedVariance
from tfvae.networks.skip import SkipDeconvolutionalImage, SkipMLPImage
from tfvae.networks.split import SplitEncoder
from tfvae.networks.text_decoder import TextDecoder
from tfvae.networks.text_encoders import (
    AntiCausalTextEncoder,
    FlatTextEncoder,
    PooledTextEncoder,
    TextEncoder,
)
from tfvae.networks.told_columns import ToldColumnDecoder
from tfvae.networks.transformer import CausalTransformer
from tfvae.networks.waveform_encoder import WaveformEncoder, halvings
from tfvae.networks.wavenet import WaveNet
from tfvae.networks.wavenet_decoder import WaveNetDecoder

__all__ = [
    "CHARGED",
    "MADE",
    "AntiCausalEncoder",
    "AntiCausalTextEncoder",
    "AutoregressiveDecoder",
    "CausalConv2D",
    "CausalTransformer",
    "ChannelAutoregressiveHead",
    "Classifier",
    "ColumnVariances",
    "ConvexGradient",
    "Decoder",
    "DeconvolutionalImage",
    "DenseHead",
    "DilatedCNN",
    "ExampleIndex",
    "FactorisedDecoder",
    "FlatTextEncoder",
    "GatedDense",
    "GatedJoin",
    "GatedLevels",
    "GatedPixelCNN",
    "GridConditioner",
    "GridEncoder",
    "GridImage",
    "ImageConditioner",
    "InformationDropout",
    "InjectiveImage",
    "JoinAbove",
    "LSTMNetwork",
    "LabelCondition",
    "LevelEncoders",
    "MLPEncoder",
    "MLPImage",
    "MaskedConv2D",
    "MaskedPixelCNN",
    "NoDecoder",
    "NoEncoder",
    "NoisyEncoder",
    "PixelSNAIL",
    "PooledTextEncoder",
    "PositionalTextDecoder",
    "ResNetEncoder",
    "SharedVariance",
    "SkipDeconvolutionalImage",
    "SkipMLPImage",
    "SplitEncoder",
    "TextDecoder",
    "TextEncoder",
    "ToldColumnDecoder",
    "VectorConditioner",
    "WaveNet",
    "WaveNetDecoder",
    "WaveformEncoder",
    "beam_search",
    "halvings",
    "joined",
    "word_dropout",
]
