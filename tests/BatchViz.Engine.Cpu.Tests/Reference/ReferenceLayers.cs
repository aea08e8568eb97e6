using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests.Reference;

/// <summary>
/// Models of layers in double precision with plain loops over [channels, rows, columns], written for reading and not for speed. Finite
/// differences and PyTorch check it; it checks the engine. Weights in canonical order.
/// </summary>
internal sealed class ReferenceLayers
{
    private readonly NetworkSpec network;
    private readonly int[] firstOf;
    private readonly Stack<Action> back = new();
    private double[] weights = [],
        gradient = [];
    private bool training;
    private uint seed;
    private long update;
    private int dropouts;

    public ReferenceLayers(NetworkSpec network)
    {
        this.network = network;
        firstOf = new int[network.Graph.Weights.Count + 1];
        for (int g = 0; g < firstOf.Length - 1; g++)
            firstOf[g + 1] = firstOf[g] + (int)network.Graph.Weights[g].Count;
        Running = Fresh();
    }

    /// <summary>Running statistics, norm after norm: means, then variances.</summary>
    public double[] Running { get; set; }

    /// <summary>What the last forward pass in training would make of them.</summary>
    public double[] NextRunning { get; private set; } = [];

    /// <summary>The smallest distance to a kink of a ReLU or of a maximum in the last pass.</summary>
    public double NearestKink { get; private set; }

    /// <summary>First weight of a group, and one past its last.</summary>
    public (int From, int To) GroupRange(int group) => (firstOf[group], firstOf[group + 1]);

    /// <summary>Mean loss and its gradient over a batch while training, with batch statistics and the dropout of an update.</summary>
    public (double Loss, double[] Gradient) Gradient(double[] w, IReadOnlyList<Example> batch, uint seed = 1, long update = 1)
    {
        (training, this.seed, this.update) = (true, seed, update);
        return Run(w, batch, true);
    }

    /// <summary>The same while evaluating.</summary>
    public (double Loss, double[] Gradient) EvaluatedGradient(double[] w, IReadOnlyList<Example> batch)
    {
        training = false;
        return Run(w, batch, true);
    }

    public double TrainingLoss(double[] w, IReadOnlyList<Example> batch, uint seed = 1, long update = 1)
    {
        (training, this.seed, this.update) = (true, seed, update);
        return Run(w, batch, false).Loss;
    }

    public double Loss(double[] w, IReadOnlyList<Example> batch)
    {
        training = false;
        return Run(w, batch, false).Loss;
    }

    public double[] Fresh()
    {
        var running = new List<double>();
        foreach (var tower in network.Graph.Towers)
            Add(tower);
        return [.. running];

        void Add(IReadOnlyList<LayerNode> nodes)
        {
            foreach (var node in nodes)
            {
                if (node.Statistics >= 0)
                    running.AddRange(Enumerable.Repeat(0.0, node.Output.Channels).Concat(Enumerable.Repeat(1.0, node.Output.Channels)));
                Add(node.Inner);
                Add(node.Projection);
            }
        }
    }

    private (double Loss, double[] Gradient) Run(double[] w, IReadOnlyList<Example> batch, bool backward)
    {
        (weights, gradient) = (w, new double[w.Length]);
        NearestKink = double.PositiveInfinity;
        NextRunning = [.. Running];
        dropouts = 0;
        back.Clear();
        var outputs = new Batch[network.Model.Towers];
        int size = (int)network.Graph.Input.Size;
        for (int t = 0; t < outputs.Length; t++)
        {
            var x = new Batch(batch.Count, size);
            for (int b = 0; b < batch.Count; b++)
                Array.Copy(batch[b].Features, t * size, x.Values[b], 0, size);
            outputs[t] = Through(network.Graph.Towers[t], x);
        }
        double loss = network.Contrastive ? Contrast(outputs[0], outputs[1]) : MeanLoss(outputs[0], batch);
        if (!backward)
            return (loss, gradient);
        while (back.TryPop(out var step))
            step();
        return (loss, gradient);
    }

    private double MeanLoss(Batch z, IReadOnlyList<Example> batch)
    {
        double loss = 0;
        for (int b = 0; b < batch.Count; b++)
        {
            var (value, slope) = ReferenceNet.LossOf(network.Loss, z.Values[b], batch[b]);
            loss += value / batch.Count;
            for (int j = 0; j < slope.Length; j++)
                z.Slopes[b][j] = slope[j] / batch.Count;
        }
        return loss;
    }

    /// <summary>The contrastive losses as their papers write them, slopes by the quotient and product rules, pair after pair.</summary>
    private double Contrast(Batch za, Batch zb)
    {
        int n = za.Values.Length,
            d = za.Values[0].Length;
        double[][] a = [.. za.Values.Select(Unit)],
            b = [.. zb.Values.Select(Unit)];
        bool sigmoid = network.Loss == LossKind.SigmoidContrastive,
            learned = network.Graph.LossWeights >= 0;
        int own = learned ? firstOf[network.Graph.LossWeights] : -1;
        double t = !sigmoid ? 1 / network.Model.Temperature : Math.Exp(learned ? weights[own] : -Math.Log(network.Model.Temperature));
        double shift =
            !sigmoid ? 0
            : learned ? weights[own + 1]
            : -10;
        var y = new double[n, n];
        var slope = new double[n, n];
        for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            y[i, j] = t * Vectors.Dot(a[i], b[j]) + shift;
        double loss = 0;
        for (int i = 0; i < n; i++)
        {
            if (sigmoid)
            {
                for (int j = 0; j < n; j++)
                {
                    double sign = i == j ? 1 : -1,
                        m = sign * y[i, j];
                    loss += (Math.Max(0, -m) + Math.Log(1 + Math.Exp(-Math.Abs(m)))) / n;
                    slope[i, j] = -sign / (1 + Math.Exp(m)) / n;
                }
            }
            else
            {
                double top1 = Enumerable.Range(0, n).Max(j => y[i, j]),
                    top2 = Enumerable.Range(0, n).Max(j => y[j, i]);
                double sum1 = Enumerable.Range(0, n).Sum(j => Math.Exp(y[i, j] - top1)),
                    sum2 = Enumerable.Range(0, n).Sum(j => Math.Exp(y[j, i] - top2));
                loss += 0.5 / n * (Math.Log(sum1) + top1 + Math.Log(sum2) + top2 - 2 * y[i, i]);
                for (int j = 0; j < n; j++)
                {
                    slope[i, j] += 0.5 / n * Math.Exp(y[i, j] - top1) / sum1;
                    slope[j, i] += 0.5 / n * Math.Exp(y[j, i] - top2) / sum2;
                }
                slope[i, i] -= 1.0 / n;
            }
        }
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                AddUnit(za, i, a[i], b[j], t * slope[i, j]);
                AddUnit(zb, j, b[j], a[i], t * slope[i, j]);
                if (!learned)
                    continue;
                gradient[own] += slope[i, j] * (y[i, j] - shift);
                gradient[own + 1] += slope[i, j];
            }
        }
        return loss;

        static double[] Unit(double[] v)
        {
            double length = Vectors.Norm(v);
            return [.. v.Select(x => x / length)];
        }

        void AddUnit(Batch z, int row, double[] u, double[] toward, double factor)
        {
            double along = Vectors.Dot(u, toward),
                length = Vectors.Norm(z.Values[row]);
            for (int k = 0; k < d; k++)
                z.Slopes[row][k] += factor * (toward[k] - along * u[k]) / length;
        }
    }

    private Batch Through(IReadOnlyList<LayerNode> nodes, Batch x) => nodes.Aggregate(x, (at, node) => Layer(node, at));

    private Batch Layer(LayerNode node, Batch x)
    {
        var spec = node.Spec;
        var y = new Batch(x.Values.Length, (int)node.Output.Size);
        switch (spec.Kind)
        {
            case LayerKind.Conv2d:
                Convolve(node, x, y, spec.Kernel, spec.Stride, spec.Padding, spec.Groups);
                return y;
            case LayerKind.Dense:
                Convolve(node, x, y, 1, 1, 0, 1);
                return y;
            case LayerKind.MaxPool or LayerKind.AvgPool:
                Pool(node, x, y);
                return y;
            case LayerKind.BatchNorm:
                BatchNorm(node, x, y);
                return y;
            case LayerKind.GroupNorm or LayerKind.LayerNorm:
                GroupNorm(node, x, y);
                return y;
            case LayerKind.Dropout:
                return training ? Drop(node, x, y) : x;
            case LayerKind.Activation:
                for (int b = 0; b < x.Values.Length; b++)
                {
                    for (int i = 0; i < x.Values[b].Length; i++)
                    {
                        double z = x.Values[b][i];
                        if (spec.Function == Activation.Relu && z != 0)
                            NearestKink = Math.Min(NearestKink, Math.Abs(z));
                        y.Values[b][i] = ReferenceNet.Value(spec.Function, z);
                    }
                }
                Back(x, (b, i) => x.Slopes[b][i] += y.Slopes[b][i] * ReferenceNet.Slope(spec.Function, x.Values[b][i]));
                return y;
            case LayerKind.Residual:
                Batch way = Through(node.Inner, x),
                    own = Through(node.Projection, x);
                for (int b = 0; b < x.Values.Length; b++)
                for (int i = 0; i < y.Values[b].Length; i++)
                    y.Values[b][i] = way.Values[b][i] + own.Values[b][i];
                Back(
                    y,
                    (b, i) =>
                    {
                        way.Slopes[b][i] += y.Slopes[b][i];
                        own.Slopes[b][i] += y.Slopes[b][i];
                    }
                );
                return y;
            default:
                return x; // flatten: the order stays
        }
    }

    private void Back(Batch over, Action<int, int> step) =>
        back.Push(() =>
        {
            for (int b = 0; b < over.Values.Length; b++)
            for (int i = 0; i < over.Values[b].Length; i++)
                step(b, i);
        });

    private void Convolve(LayerNode node, Batch x, Batch y, int kernel, int stride, int padding, int groups)
    {
        var group = network.Graph.Weights[node.Weights];
        int first = firstOf[node.Weights],
            bias = first + group.Inputs * group.Outputs;
        TensorShape from = node.Input,
            to = node.Output;
        int few = from.Channels / groups,
            each = to.Channels / groups;
        for (int b = 0; b < x.Values.Length; b++)
        {
            for (int o = 0; o < to.Channels; o++)
            for (int p = 0; p < to.Pixels; p++)
                y.Values[b][o * to.Pixels + p] = group.Bias ? weights[bias + o] : 0;
            int row = b;
            Taps(
                (o, p, c, q, k) =>
                    y.Values[row][o * to.Pixels + p] +=
                        weights[first + (o * few + c % few) * kernel * kernel + k] * x.Values[row][c * from.Pixels + q]
            );
        }
        back.Push(() =>
        {
            for (int b = 0; b < x.Values.Length; b++)
            {
                int row = b;
                Taps(
                    (o, p, c, q, k) =>
                    {
                        double delta = y.Slopes[row][o * to.Pixels + p];
                        int w = first + (o * few + c % few) * kernel * kernel + k;
                        gradient[w] += delta * x.Values[row][c * from.Pixels + q];
                        x.Slopes[row][c * from.Pixels + q] += delta * weights[w];
                    }
                );
                for (int o = 0; o < to.Channels && group.Bias; o++)
                for (int p = 0; p < to.Pixels; p++)
                    gradient[bias + o] += y.Slopes[b][o * to.Pixels + p];
            }
        });

        // Every product: output channel and pixel, input channel and pixel, place in the window.
        void Taps(Action<int, int, int, int, int> tap)
        {
            for (int o = 0; o < to.Channels; o++)
            for (int r = 0; r < to.Rows; r++)
            for (int s = 0; s < to.Columns; s++)
            for (int c = o / each * few; c < (o / each + 1) * few; c++)
            for (int k = 0; k < kernel * kernel; k++)
            {
                int v = r * stride - padding + k / kernel,
                    h = s * stride - padding + k % kernel;
                if (v >= 0 && v < from.Rows && h >= 0 && h < from.Columns)
                    tap(o, r * to.Columns + s, c, v * from.Columns + h, k);
            }
        }
    }

    private void Pool(LayerNode node, Batch x, Batch y)
    {
        var spec = node.Spec;
        TensorShape from = node.Input,
            to = node.Output;
        int tall = spec.Kernel == 0 ? from.Rows : spec.Kernel,
            wide = spec.Kernel == 0 ? from.Columns : spec.Kernel;
        for (int b = 0; b < x.Values.Length; b++)
        {
            for (int c = 0; c < to.Channels; c++)
            {
                for (int p = 0; p < to.Pixels; p++)
                {
                    int[] window =
                    [
                        .. Enumerable
                            .Range(0, tall * wide)
                            .Select(k =>
                                c * from.Pixels
                                + (p / to.Columns * spec.Stride + k / wide) * from.Columns
                                + p % to.Columns * spec.Stride
                                + k % wide
                            ),
                    ];
                    int row = b,
                        at = c * to.Pixels + p;
                    double[] values = x.Values[b],
                        slopes = x.Slopes[b];
                    if (spec.Kind == LayerKind.AvgPool)
                    {
                        y.Values[b][at] = window.Average(i => values[i]);
                        back.Push(() =>
                        {
                            foreach (int i in window)
                                slopes[i] += y.Slopes[row][at] / window.Length;
                        });
                        continue;
                    }
                    int best = window.MaxBy(i => values[i]);
                    foreach (int i in window)
                        if (i != best && !(values[i] == 0 && values[best] == 0))
                            NearestKink = Math.Min(NearestKink, values[best] - values[i]);
                    y.Values[b][at] = values[best];
                    back.Push(() => slopes[best] += y.Slopes[row][at]);
                }
            }
        }
    }

    private void BatchNorm(LayerNode node, Batch x, Batch y)
    {
        int channels = node.Output.Channels,
            pixels = node.Output.Pixels,
            rows = x.Values.Length,
            n = rows * pixels,
            first = firstOf[node.Weights],
            at = node.Statistics;
        double momentum = node.Spec.Momentum;
        foreach (int c in Enumerable.Range(0, channels))
        {
            double mean = Running[at + c],
                variance = Running[at + channels + c];
            if (training)
            {
                mean = Each(c).Average(p => x.Values[p.Row][p.I]);
                variance = Each(c).Average(p => (x.Values[p.Row][p.I] - mean) * (x.Values[p.Row][p.I] - mean));
                NextRunning[at + c] = (1 - momentum) * Running[at + c] + momentum * mean;
                if (n > 1)
                    NextRunning[at + channels + c] = (1 - momentum) * Running[at + channels + c] + momentum * variance * n / (n - 1);
            }
            Normalise(x, y, [.. Each(c)], mean, variance, node.Spec.Epsilon, _ => first + c, channels, training);
        }

        IEnumerable<(int Row, int I)> Each(int c) =>
            Enumerable.Range(0, rows).SelectMany(row => Enumerable.Range(0, pixels).Select(p => (row, c * pixels + p)));
    }

    private void GroupNorm(LayerNode node, Batch x, Batch y)
    {
        int channels = node.Output.Channels,
            pixels = node.Output.Pixels,
            first = firstOf[node.Weights];
        int size = channels * pixels / (node.Spec.Kind == LayerKind.LayerNorm ? 1 : node.Spec.Groups);
        for (int row = 0; row < x.Values.Length; row++)
        {
            for (int from = 0; from < channels * pixels; from += size)
            {
                (int, int)[] set = [.. Enumerable.Range(from, size).Select(i => (row, i))];
                double mean = set.Average(p => x.Values[p.Item1][p.Item2]),
                    variance = set.Average(p => Math.Pow(x.Values[p.Item1][p.Item2] - mean, 2));
                Normalise(x, y, set, mean, variance, node.Spec.Epsilon, i => first + i / pixels, channels, true);
            }
        }
    }

    /// <param name="own">Whether mean and variance are the values' own, so that they change with them.</param>
    private void Normalise(
        Batch x,
        Batch y,
        (int Row, int I)[] set,
        double mean,
        double variance,
        double epsilon,
        Func<int, int> gamma,
        int channels,
        bool own
    )
    {
        double inverse = 1 / Math.Sqrt(variance + epsilon);
        foreach (var (row, i) in set)
            y.Values[row][i] = weights[gamma(i)] * (x.Values[row][i] - mean) * inverse + weights[gamma(i) + channels];
        back.Push(() =>
        {
            double first = 0,
                second = 0;
            foreach (var (row, i) in set)
            {
                double hat = (x.Values[row][i] - mean) * inverse,
                    delta = y.Slopes[row][i];
                gradient[gamma(i)] += delta * hat;
                gradient[gamma(i) + channels] += delta;
                first += weights[gamma(i)] * delta / set.Length;
                second += weights[gamma(i)] * delta * hat / set.Length;
            }
            foreach (var (row, i) in set)
            {
                double hat = (x.Values[row][i] - mean) * inverse;
                x.Slopes[row][i] += inverse * (weights[gamma(i)] * y.Slopes[row][i] - (own ? first + hat * second : 0));
            }
        });
    }

    private Batch Drop(LayerNode node, Batch x, Batch y)
    {
        int number = dropouts++,
            channels = node.Output.Channels,
            pixels = node.Output.Pixels;
        double rate = node.Spec.Rate;
        var stream = new Philox(seed, Purpose.Dropout, (ulong)update);
        double Kept(int b, int i)
        {
            // Values count pixel after pixel, each with all its channels.
            int value = i % pixels * channels + i / pixels;
            var (even, odd, _, _) = stream.Block(((ulong)(uint)b << 32) | ((ulong)(uint)number << 26) + (ulong)(value / 2));
            return (value % 2 == 0 ? even : odd) < (1 - rate) * 4294967296.0 ? 1 / (1 - rate) : 0;
        }
        for (int b = 0; b < x.Values.Length; b++)
        for (int i = 0; i < x.Values[b].Length; i++)
            y.Values[b][i] = x.Values[b][i] * Kept(b, i);
        Back(x, (b, i) => x.Slopes[b][i] += y.Slopes[b][i] * Kept(b, i));
        return y;
    }

    /// <summary>Values of all examples at one place, and the loss's derivatives by them.</summary>
    private sealed class Batch(int rows, int size)
    {
        public double[][] Values { get; } = [.. Enumerable.Range(0, rows).Select(_ => new double[size])];

        public double[][] Slopes { get; } = [.. Enumerable.Range(0, rows).Select(_ => new double[size])];
    }
}
