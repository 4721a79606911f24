"""What a ``.keras`` file may name: exact pairs of a module and a class, and plain functions; all else is refused.

Left out are the layers that run code or read files (``Lambda``, ``TFSMLayer``, ``JaxLayer``, ``FlaxLayer``,
``TorchModuleWrapper``, and those with vocabularies), operations that take functions or make tensors out of nothing, and
classes whose constructor works for as long as a number in the file says.
"""

from __future__ import annotations

from typing import Any

import keras

_LAYERS = """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention Average
    AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional CategoryEncoding CenterCrop
    Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D
    Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU EinsumDense Embedding Flatten
    GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention Identity InputLayer
    LSTM LSTMCell LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum
    MultiHeadAttention Multiply Normalization PReLU Permute RMSNormalization RNN RandomBrightness RandomContrast
    RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
    ReversibleEmbedding SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D
    SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells Subtract TimeDistributed UnitNormalization
    UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""
_INITIALIZERS = """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal LecunUniform Ones
    Orthogonal OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
"""
_LOSSES = """
    BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy
    CategoricalGeneralizedCrossEntropy CategoricalHinge Circle CosineSimilarity Dice Hinge Huber KLDivergence LogCosh
    MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson
    SparseCategoricalCrossentropy SquaredHinge Tversky
"""
_METRICS = """
    AUC Accuracy BinaryAccuracy BinaryCrossentropy BinaryIoU CategoricalAccuracy CategoricalCrossentropy
    CategoricalHinge ConcordanceCorrelation CosineSimilarity F1Score FBetaScore FalseNegatives FalsePositives Hinge IoU
    KLDivergence LogCoshError Mean MeanAbsoluteError MeanAbsolutePercentageError MeanIoU MeanMetricWrapper
    MeanSquaredError MeanSquaredLogarithmicError OneHotIoU OneHotMeanIoU PearsonCorrelation Poisson Precision
    PrecisionAtRecall R2Score Recall RecallAtPrecision RootMeanSquaredError SensitivityAtSpecificity
    SparseCategoricalAccuracy SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy SpecificityAtSensitivity
    SquaredHinge Sum TopKCategoricalAccuracy TrueNegatives TruePositives
"""
_OPTIMIZERS = """
    Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Muon Nadam RMSprop SGD
    ScheduleFreeAdamW
"""
_SCHEDULES = "CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay"
_POLICIES = """
    AWQDTypePolicy DTypePolicy DTypePolicyMap FloatDTypePolicy GPTQDTypePolicy Int4DTypePolicy QuantizedDTypePolicy
    QuantizedFloat8DTypePolicy
"""
_NUMPY = """
    Abs Absolute Add All Amax Amin Any Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh Argmax Argmin Average
    BroadcastTo Cbrt Ceil Clip Concatenate Copy Cos Cosh CountNonzero Cross Cumprod Cumsum Deg2rad Diagonal Diff Divide
    DivideNoNan Dot Einsum Equal Exp Exp2 ExpandDims Expm1 Flip Fliplr Flipud Floor FloorDivide Fmax Fmin Fmod FullLike
    GetItem Greater GreaterEqual Heaviside Hstack Hypot Inner Isclose Isfinite Isinf Isnan Less LessEqual Log Log10
    Log1p Log2 Logaddexp Logaddexp2 LogicalAnd LogicalNot LogicalOr LogicalXor Matmul Max Maximum Mean Median Min
    Minimum Mod Moveaxis Multiply NanToNum Negative NotEqual OnesLike Outer Pad Power Prod Ptp Rad2deg Ravel Real
    Reciprocal Repeat Reshape Roll Rot90 Round Sign Signbit Sin Sinc Sinh Sort Split Sqrt Square Squeeze Stack Std
    Subtract Sum Swapaxes Take TakeAlongAxis Tan Tanh Tensordot Tile Trace Transpose Tril Triu TrueDivide Trunc Var
    Vstack Where ZerosLike
"""
_NN = """
    AdaptiveAveragePool AdaptiveMaxPool AveragePool BatchNorm Celu Conv ConvTranspose DepthToSpace DepthwiseConv
    DotProductAttention Elu Gelu Glu HardShrink HardSigmoid HardSilu HardTanh LayerNorm LeakyRelu LogSigmoid LogSoftmax
    MaxPool Moments Normalize OneHot RMSNorm Relu Relu6 Selu SeparableConv Sigmoid Silu SoftShrink Softmax Softplus
    Softsign SpaceToDepth SparsePlus SparseSigmoid Sparsemax Squareplus TanhShrink Threshold
"""
_PLACES = {
    "keras": "DTypePolicy FloatDTypePolicy Model Sequential",
    "keras.models": "Model Sequential",
    "keras.src.models.functional": "Functional",
    "keras.src.models.model": "Model",
    "keras.src.models.sequential": "Sequential",
    "keras.layers": _LAYERS,
    "keras.initializers": _INITIALIZERS,
    "keras.constraints": "MaxNorm MinMaxNorm NonNeg UnitNorm",
    "keras.regularizers": "L1 L1L2 L2 OrthogonalRegularizer",
    "keras.losses": _LOSSES,
    "keras.metrics": _METRICS,
    "keras.optimizers": _OPTIMIZERS,
    "keras.optimizers.schedules": _SCHEDULES,
    "keras.dtype_policies": _POLICIES,
    "keras.quantizers": "AbsMaxQuantizer Float8QuantizationConfig Int4QuantizationConfig Int8QuantizationConfig",
    "keras.random": "SeedGenerator",
    "keras.src.ops.numpy": _NUMPY,
    "keras.src.ops.nn": _NN,
    "keras.src.ops.math": "CDist Erf Erfinv Logsumexp Rsqrt TopK",
    "keras.src.ops.image": "CropImages PadImages RGBToGrayscale Resize",
    "keras.src.ops.linalg": "Norm",
    "keras.src.ops.core": "Cast SaturateCast Slice StopGradient",
    "keras.src.ops.einops": "Rearrange",
}
CLASSES = frozenset((module, name) for module, names in _PLACES.items() for name in names.split())
_ACTIVATIONS = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear log_sigmoid
    log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid
    sparsemax squareplus swish tanh tanh_shrink threshold
"""
_LOSS_FUNCTIONS = """
    binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy
    categorical_generalized_cross_entropy categorical_hinge circle cosine_similarity dice hinge huber kl_divergence
    log_cosh mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error
    poisson sparse_categorical_crossentropy squared_hinge tversky
"""
_METRIC_FUNCTIONS = """
    binary_accuracy binary_crossentropy binary_focal_crossentropy categorical_accuracy categorical_crossentropy
    categorical_focal_crossentropy categorical_hinge concordance_correlation hinge huber kl_divergence log_cosh
    mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error
    pearson_correlation poisson sparse_categorical_accuracy sparse_categorical_crossentropy
    sparse_top_k_categorical_accuracy squared_hinge top_k_categorical_accuracy
"""
FUNCTIONS = frozenset(
    (module, name)
    for module, names in (
        ("keras.activations", _ACTIVATIONS),
        ("keras.losses", _LOSS_FUNCTIONS),
        ("keras.metrics", _METRIC_FUNCTIONS),
        ("builtins", f"{_ACTIVATIONS} {_LOSS_FUNCTIONS} {_METRIC_FUNCTIONS}"),
    )
    for name in names.split()
)
_MODULES = ("keras", "builtins")


def is_registered(name: Any) -> bool:
    """Whether the zoo, the user or an imported plugin has registered a class or function under this name with Keras."""
    return isinstance(name, str) and keras.saving.get_registered_object(name) is not None


def is_allowed(item: dict[str, Any]) -> bool:
    """Whether a file may have this object: a dict with ``class_name``, as Keras writes one for each class or function.

    Keras looks for a class that was registered first, and imports or looks up the module only then.
    """
    name, module = item["class_name"], item.get("module")
    if not isinstance(name, str) or not (module is None or isinstance(module, str)):
        return False
    registered = item.get("registered_name", name)
    if not (registered is None or isinstance(registered, str)):
        return False
    if name == "function":
        function = item.get("config")
        plain = isinstance(function, str) and registered in (None, "function", function)
        return is_registered(function) or (plain and (module, function) in FUNCTIONS)
    return is_registered(registered) or (registered in (None, name) and (module, name) in CLASSES)


def is_foreign(item: dict[str, Any]) -> bool:
    """Whether an object that is not allowed belongs to no module of Keras, and so can only be one to register."""
    module = item.get("module")
    return not isinstance(module, str) or module.partition(".")[0] not in _MODULES
