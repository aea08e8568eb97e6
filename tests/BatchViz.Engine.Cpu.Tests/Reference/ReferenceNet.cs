using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests.Reference;

/// <summary>
/// Dense networks in double precision with plain loops, written for reading and not for speed. Finite differences and PyTorch check it;
/// it checks the engine. Weights in canonical order.
/// </summary>
internal sealed class ReferenceNet(NetworkSpec network)
{
    private readonly IReadOnlyList<int> sizes = network.Sizes;

    public int Parameters => (int)network.ParameterCount;

    /// <summary>The smallest |z| at a ReLU in the last call of <see cref="Gradient"/>: how far it was from a kink.</summary>
    public double NearestKink { get; private set; }

    /// <summary>Mean loss and its gradient over the given examples.</summary>
    public (double Loss, double[] Gradient) Gradient(double[] w, IReadOnlyList<Example> batch)
    {
        double loss = 0;
        var gradient = new double[w.Length];
        NearestKink = double.PositiveInfinity;
        foreach (var example in batch)
        {
            var (z, a) = Forward(w, example.Features);
            var (value, delta) = Loss(a[^1], example);
            loss += value / batch.Count;
            for (int l = network.Layers - 1; l >= 0; l--)
            {
                for (int o = 0; o < sizes[l + 1]; o++)
                {
                    if (ActivationOf(l) == Activation.Relu)
                        NearestKink = Math.Min(NearestKink, Math.Abs(z[l][o]));
                    delta[o] *= Slope(ActivationOf(l), z[l][o]);
                }
                var below = new double[sizes[l]];
                for (int o = 0; o < sizes[l + 1]; o++)
                {
                    for (int i = 0; i < sizes[l]; i++)
                    {
                        gradient[Weight(l, o, i)] += delta[o] * a[l][i] / batch.Count;
                        below[i] += delta[o] * w[Weight(l, o, i)];
                    }
                    if (network.Model.Bias)
                        gradient[Bias(l, o)] += delta[o] / batch.Count;
                }
                delta = below;
            }
        }
        return (loss, gradient);
    }

    public double[] Output(double[] w, double[] features) => Forward(w, features).Activations[^1];

    public double LossOf(double[] w, IEnumerable<Example> examples) => examples.Average(e => Loss(Output(w, e.Features), e).Value);

    /// <summary>First parameter of layer l, and one past its last.</summary>
    public (int From, int To) LayerRange(int l) => (First(l), First(l + 1));

    public IReadOnlyList<(int From, int To)> Layers => [.. Enumerable.Range(0, network.Layers).Select(LayerRange)];

    public int Weight(int l, int o, int i) => First(l) + o * sizes[l] + i;

    public int Bias(int l, int o) => First(l) + sizes[l] * sizes[l + 1] + o;

    private int First(int layer)
    {
        int first = 0;
        for (int l = 0; l < layer; l++)
            first += sizes[l + 1] * (sizes[l] + (network.Model.Bias ? 1 : 0));
        return first;
    }

    private Activation ActivationOf(int l) => l == network.Layers - 1 ? network.Model.OutputActivation : network.Model.Activation;

    private (double[][] Z, double[][] Activations) Forward(double[] w, double[] features)
    {
        var z = new double[network.Layers][];
        var a = new double[network.Layers + 1][];
        a[0] = features;
        for (int l = 0; l < network.Layers; l++)
        {
            z[l] = new double[sizes[l + 1]];
            for (int o = 0; o < sizes[l + 1]; o++)
            {
                z[l][o] = network.Model.Bias ? w[Bias(l, o)] : 0;
                for (int i = 0; i < sizes[l]; i++)
                    z[l][o] += w[Weight(l, o, i)] * a[l][i];
            }
            a[l + 1] = [.. z[l].Select(v => Value(ActivationOf(l), v))];
        }
        return (z, a);
    }

    private (double Value, double[] Slope) Loss(double[] output, Example example) => LossOf(network.Loss, output, example);

    /// <summary>The loss of one example and its derivatives by the outputs.</summary>
    public static (double Value, double[] Slope) LossOf(LossKind loss, double[] output, Example example)
    {
        switch (loss)
        {
            case LossKind.CrossEntropy:
                double max = output.Max(),
                    sum = output.Sum(v => Math.Exp(v - max));
                var p = output.Select(v => Math.Exp(v - max) / sum).ToArray();
                p[example.Label] -= 1;
                return (Math.Log(sum) + max - output[example.Label], p);
            case LossKind.Logistic:
                double t = example.Label == 1 ? 1 : -1,
                    y = t * output[0];
                double value = y > 0 ? Math.Log(1 + Math.Exp(-y)) : -y + Math.Log(1 + Math.Exp(y));
                return (value, [-t / (1 + Math.Exp(y))]);
            default:
                var target = example.Targets;
                if (target is null)
                {
                    target = new double[output.Length];
                    if (output.Length == 1)
                        target[0] = example.Label == 1 ? 1 : -1;
                    else
                        target[example.Label] = 1;
                }
                var difference = output.Zip(target, (o, wanted) => o - wanted).ToArray();
                return (0.5 * difference.Sum(d => d * d), difference);
        }
    }

    public static double Value(Activation activation, double z) =>
        activation switch
        {
            Activation.Relu => Math.Max(0, z),
            Activation.Tanh => Math.Tanh(z),
            Activation.Sigmoid => 1 / (1 + Math.Exp(-z)),
            Activation.Gelu => z * NormalDistribution(z),
            _ => z,
        };

    public static double Slope(Activation activation, double z) =>
        activation switch
        {
            Activation.Relu => z > 0 ? 1 : 0,
            Activation.Tanh => 1 - Math.Tanh(z) * Math.Tanh(z),
            Activation.Sigmoid => Math.Exp(-Math.Abs(z)) / ((1 + Math.Exp(-Math.Abs(z))) * (1 + Math.Exp(-Math.Abs(z)))),
            Activation.Gelu => NormalDistribution(z) + z * Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI),
            _ => 1,
        };

    private static double NormalDistribution(double z) => 0.5 * (1 + SpecialFunctions.Erf(z / Math.Sqrt(2)));
}

/// <summary>One example; either a label or target values.</summary>
internal sealed record Example(double[] Features, int Label, double[]? Targets);
