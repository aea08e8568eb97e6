namespace BatchViz.Core.Specs;

/// <summary>Models by name: what <c>"model": { "preset": … }</c> stands for.</summary>
public static class ModelPresets
{
    public static readonly IReadOnlyList<string> Names =
    [
        "logistic",
        "mlp",
        "mlp-batchnorm",
        "lenet",
        "resnet-small",
        "mobilenet-small",
        "two-tower",
    ];

    private static readonly LayerSpec Relu = LayerSpec.Activated(Activation.Relu),
        Norm = new(LayerKind.BatchNorm),
        Flatten = new(LayerKind.Flatten);

    /// <summary>Null for a name that is none. What dense models can be is one, on their faster way through an engine.</summary>
    public static ModelSpec? Find(string name) =>
        name switch
        {
            "logistic" => new ModelSpec(),
            "mlp" => new ModelSpec { Hidden = [128, 64] },
            "mlp-batchnorm" => Of(name, [Flatten, .. Normalised(128), .. Normalised(64), LayerSpec.Dense()]),
            // LeCun et al. 1998, with ReLU and max pooling for its tanh and trained averages.
            "lenet" => Of(
                name,
                [
                    LayerSpec.Conv(6, 5, padding: 2),
                    Relu,
                    LayerSpec.Max(2),
                    LayerSpec.Conv(16, 5),
                    Relu,
                    LayerSpec.Max(2),
                    Flatten,
                    LayerSpec.Dense(120),
                    Relu,
                    LayerSpec.Dense(84),
                    Relu,
                    LayerSpec.Dense(),
                ]
            ),
            // He et al. 2016, section 4.2, with one block of each width.
            "resnet-small" => Of(
                name,
                [
                    .. Convolved(16, 3, 1, 1),
                    .. Block(16, 16, 1),
                    .. Block(16, 32, 2),
                    .. Block(32, 64, 2),
                    LayerSpec.Average(),
                    LayerSpec.Dense(),
                ]
            ),
            // Howard et al. 2017, table 1, with four blocks and at most 64 channels.
            "mobilenet-small" => Of(
                name,
                [
                    .. Convolved(16, 3, 2, 1),
                    .. Separable(16, 32, 1),
                    .. Separable(32, 64, 2),
                    .. Separable(64, 64, 1),
                    .. Separable(64, 64, 1),
                    LayerSpec.Average(),
                    LayerSpec.Dense(),
                ]
            ),
            "two-tower" => Of(name, [Flatten, LayerSpec.Dense(128), Relu, LayerSpec.Dense(32)]) with { Towers = 2 },
            _ => null,
        };

    private static ModelSpec Of(string name, IReadOnlyList<LayerSpec> layers) =>
        new()
        {
            Kind = ModelKind.Layers,
            Preset = name,
            Layers = layers,
        };

    private static LayerSpec[] Normalised(int units) => [LayerSpec.Dense(units, bias: false), Norm, Relu];

    private static LayerSpec[] Convolved(int filters, int kernel, int stride, int padding, int groups = 1) =>
        [LayerSpec.Conv(filters, kernel, stride, padding, groups, bias: false), Norm, Relu];

    private static LayerSpec[] Block(int channels, int filters, int stride) =>
        [
            LayerSpec.Around(
                [.. Convolved(filters, 3, stride, 1), LayerSpec.Conv(filters, 3, padding: 1, bias: false), Norm],
                channels == filters && stride == 1 ? [] : [LayerSpec.Conv(filters, 1, stride, bias: false), Norm]
            ),
            Relu,
        ];

    private static LayerSpec[] Separable(int channels, int filters, int stride) =>
        [.. Convolved(channels, 3, stride, 1, groups: channels), .. Convolved(filters, 1, 1, 0)];
}
