using System.Globalization;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Bench;

/// <summary>A network to measure.</summary>
/// <param name="Sizes">Inputs, hidden widths, outputs.</param>
internal sealed record BenchNet(IReadOnlyList<int> Sizes, Activation Activation, LossKind Loss)
{
    private const int LargestWidth = 1_000_000,
        Side = 28;

    private static readonly string[] Presets = ["mlp-batchnorm", "lenet", "resnet-small", "mobilenet-small"];

    /// <summary>A preset's model on images of 28 × 28 in ten classes, instead of one of these sizes.</summary>
    public string? Preset { get; private init; }

    public string Name => Preset ?? string.Join('-', Sizes);

    public int Inputs => Sizes[0];

    public int Outputs => Sizes[^1];

    public NetworkSpec Network =>
        Preset is { } preset
            ? new(ModelPresets.Find(preset)!, Loss, Sizes) { Image = new TensorShape(1, Side, Side) }
            : new(new ModelSpec { Hidden = [.. Sizes.Skip(1).SkipLast(1)], Activation = Activation }, Loss, Sizes);

    /// <summary>Reads sizes such as "784-128-64-10", or a preset's name such as "lenet".</summary>
    /// <param name="activation">Null: tanh where there is one output, else ReLU.</param>
    /// <param name="loss">Null: squared where there is one output, else cross-entropy.</param>
    /// <exception cref="RefusedException">One sentence.</exception>
    public static BenchNet Parse(string text, Activation? activation, LossKind? loss)
    {
        if (Presets.Contains(text))
            return new BenchNet([Side * Side, 10], Activation.Relu, LossKind.CrossEntropy) { Preset = text };
        string[] parts = text.Split('-');
        var sizes = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (
                parts.Length < 2
                || !int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out sizes[i])
                || sizes[i] is < 1 or > LargestWidth
            )
                throw new RefusedException(
                    $"\"--net\" is \"{text}\"; it must be widths from 1 to {LargestWidth:#,0} joined by hyphens, such as 784-128-64-10, or one of {string.Join(", ", Presets)}."
                );
        }
        bool one = sizes[^1] == 1;
        var net = new BenchNet(
            sizes,
            activation ?? (one ? Activation.Tanh : Activation.Relu),
            loss ?? (one ? LossKind.Squared : LossKind.CrossEntropy)
        );
        if (net.Loss == LossKind.CrossEntropy && one)
            throw new RefusedException($"\"--loss\" is \"cross-entropy\", which needs two outputs or more; {text} has one.");
        if (net.Loss == LossKind.Logistic && !one)
            throw new RefusedException($"\"--loss\" is \"logistic\", which needs exactly one output; {text} has {sizes[^1]}.");
        if (net.Loss == LossKind.Surface)
            throw new RefusedException("\"--loss\" is \"surface\", which has no network to measure.");
        if (net.Network.ParameterCount > SpecResolver.MaxParameters)
            throw new RefusedException(
                $"\"--net\" {text} has {net.Network.ParameterCount:#,0} weights; at most {SpecResolver.MaxParameters:#,0} are allowed."
            );
        return net;
    }
}
