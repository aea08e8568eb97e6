using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using TorchSharp;
using static BatchViz.Core.Language;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// Gradients, curvature and sharpness by autograd, evaluating; second derivatives by differentiating the gradient's product with a vector
/// (Pearlmutter 1994).
/// </summary>
internal sealed class TorchProbe(TorchData data, NetworkSpec network, Device device, Precision precision) : IProbe
{
    private readonly ParameterLayout layout = new(network);
    private readonly StackedModel model = new(new ParameterLayout(network), data.Source, precision);
    private bool disposed;

    public IDirection Direction(ReadOnlySpan<float> canonical)
    {
        if (canonical.Length != layout.Parameters)
            throw new ArgumentException($"{canonical.Length} components for {layout.Parameters} weights", nameof(canonical));
        using var scope = Begin();
        return new TorchDirection(layout, tensor(canonical.ToArray()).to(device));
    }

    public double Dot(IDirection a, IDirection b)
    {
        using var scope = Begin();
        return Host.Double(Wide(a).dot(Wide(b)));
    }

    public double Cosine(IDirection a, IDirection b) => Math.Clamp(Dot(a, b) / (a.Norm * b.Norm), -1, 1);

    public GradientProbe Gradient(IWeights weights, EvaluationSet set, CancellationToken cancel)
    {
        using var scope = Begin();
        var (loss, gradient) = Slope(TorchWeights.Of(weights, layout), null, set, cancel);
        return new GradientProbe(loss, new TorchDirection(layout, gradient), new(0, 1, 0));
    }

    public HessianProductProbe HessianProduct(IWeights weights, EvaluationSet set, IDirection v, CancellationToken cancel)
    {
        using var scope = Begin();
        var vector = TorchDirection.Of(v, layout).Vector;
        var product = Curve(TorchWeights.Of(weights, layout), set, vector, cancel);
        double curvature = Host.Double(vector.to(ScalarType.Float64).dot(product.to(ScalarType.Float64)));
        return new HessianProductProbe(new TorchDirection(layout, product), curvature, new(0, 1, 1));
    }

    public EigenProbe Eigenvalues(IWeights weights, EvaluationSet set, int count, int iterations, uint seed, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, layout.Parameters);
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
        using var scope = Begin();
        var ours = TorchWeights.Of(weights, layout);
        return new TorchLanczos(layout, device, v => Curve(ours, set, v, cancel), iterations, seed).Largest(count, iterations);
    }

    public TraceProbe Trace(IWeights weights, EvaluationSet set, int samples, uint seed, long update, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(samples, RandomSigns.MostVectors);
        ArgumentOutOfRangeException.ThrowIfNegative(update);
        using var scope = Begin();
        var ours = TorchWeights.Of(weights, layout);
        var values = new double[samples];
        for (int s = 0; s < samples; s++)
        {
            using var part = NewDisposeScope();
            var signs = Signs(RandomSigns.OfTrace(seed, update, s));
            values[s] = Host.Double(signs.to(ScalarType.Float64).dot(Curve(ours, set, signs, cancel).to(ScalarType.Float64)));
        }
        double mean = values.Sum() / samples,
            square = values.Sum(v => (v - mean) * (v - mean));
        return new TraceProbe(mean, Math.Sqrt(square / (samples - 1) / samples), samples, new(0, samples, samples));
    }

    public SharpnessProbe Sharpness(IWeights weights, EvaluationSet set, double epsilon, int steps, CancellationToken cancel)
    {
        CheckRadius(epsilon, nameof(epsilon), steps);
        using var scope = Begin();
        using var still = no_grad();
        var ours = TorchWeights.Of(weights, layout);
        Tensor w = ours.Vector,
            box = w.abs().Plus(1).Times((float)epsilon),
            ties = Signs(new Philox(0, Purpose.SharpnessTies)),
            best = zeros_like(w);
        var (loss, slope) = Slope(ours, null, set, cancel);
        double worst = loss;
        float step = 2;
        for (int k = 0; k < steps; k++)
        {
            var u = best.Plus(torch.where(slope.logical_not(), ties, slope.sign()).Times(step))
                .clamp(Arithmetic.Number(-1.0), Arithmetic.Number(1.0));
            var point = w.Plus(box * u);
            bool last = k == steps - 1;
            var (there, gradient) = last ? (Loss(ours, point, set, cancel), slope) : Slope(ours, point, set, cancel);
            if (there > worst)
                (worst, best, slope) = (there, u, gradient);
            else
                step /= 2;
        }
        return new SharpnessProbe(100 * (worst - loss) / (1 + loss), loss, worst, new(1, steps, 0));
    }

    public SharpnessProbe AdaptiveSharpness(IWeights weights, EvaluationSet set, double rho, int steps, CancellationToken cancel)
    {
        CheckRadius(rho, nameof(rho), steps);
        using var scope = Begin();
        using var still = no_grad();
        var ours = TorchWeights.Of(weights, layout);
        var w = ours.Vector.to(ScalarType.Float64);
        var (loss, slope) = Slope(ours, null, set, cancel);
        double worst = loss;
        for (int k = 0; k < steps; k++)
        {
            var g = slope.to(ScalarType.Float64);
            double square = Host.Double((w * g).Squared().sum());
            // No first-order direction leads up: at a stationary point, as for the method itself.
            if (square == 0)
                return new SharpnessProbe(worst - loss, loss, worst, new(0, k + 1, 0));
            var point = w.Plus((w * w * g).Times(rho / Math.Sqrt(square))).to(ScalarType.Float32);
            double there;
            if (k == steps - 1)
                there = Loss(ours, point, set, cancel);
            else
                (there, slope) = Slope(ours, point, set, cancel);
            worst = Math.Max(worst, there);
        }
        return new SharpnessProbe(worst - loss, loss, worst, new(1, steps, 0));
    }

    public FisherRaoProbe FisherRao(IWeights weights, EvaluationSet set, CancellationToken cancel)
    {
        if (network.Model.WhyNoFisherRao() is { } why)
            throw new RefusedException(why);
        using var scope = Begin();
        double sum = 0;
        Each(
            TorchWeights.Of(weights, layout),
            null,
            set,
            false,
            cancel,
            (pass, examples) =>
            {
                var outputs = model.Outputs(pass, StackedModel.Features(pass, data.Of(set.Split), examples)).detach().requires_grad_(true);
                var slopes = Autograd.Slopes(model.LossesOf(pass, outputs, data.Of(set.Split), examples).sum(), [outputs])[0]!;
                sum += Host.Double((slopes * outputs.detach()).sum(2).Squared().sum(ScalarType.Float64));
            }
        );
        return new FisherRaoProbe(network.Layers * Math.Sqrt(sum / SetParts.CountOf(data, set)), new(1, 0, 0));
    }

    public ExampleGradientsProbe ExampleGradients(IWeights weights, EvaluationSet set, Span<float> norms, CancellationToken cancel)
    {
        RefuseContrast();
        int n = SetParts.CountOf(data, set);
        if (norms.Length != 0 && norms.Length != n)
            throw new ArgumentException($"{norms.Length} places for {n} norms", nameof(norms));
        using var scope = Begin();
        var gradient = zeros([layout.Parameters], ScalarType.Float64, device);
        var squares = new List<double>(n);
        double loss = 0;
        Each(
            TorchWeights.Of(weights, layout),
            null,
            set,
            true,
            cancel,
            (pass, examples) =>
            {
                var (sum, slopes) = Taped(pass, set, examples);
                loss += sum;
                gradient.Plus_(Flat(slopes, pass));
                var own = zeros([1, examples.shape[0]], ScalarType.Float32, device);
                for (int t = 0; t < pass.Tape!.Count; t++)
                    if (slopes[pass.Leaves.All.Count + t] is { } delta)
                        own = own.Plus(pass.Tape[t].Squares(pass.Leaves, delta));
                squares.AddRange(Host.Doubles(own));
            }
        );
        double all = 0,
            total = 0,
            largest = 0;
        for (int i = 0; i < n; i++)
        {
            double norm = Math.Sqrt(squares[i]);
            all += squares[i];
            total += norm;
            largest = norm > largest || double.IsNaN(norm) ? norm : largest;
            if (norms.Length > 0)
                norms[i] = (float)norm;
        }
        double square = Host.Double(gradient.Over(n).Squared().sum());
        return new ExampleGradientsProbe(n, loss / n, square, all / n, total / n, largest, new(0, 1, 0));
    }

    public PlaneGradientsProbe PlaneGradients(IWeights weights, EvaluationSet set, IPlane plane, CancellationToken cancel)
    {
        RefuseContrast();
        using var scope = Begin();
        var ours = TorchPlane.Of(plane, layout);
        ParameterViews[] directions =
        [
            .. new[] { 1, 2 }.Select(v => new ParameterViews(layout, ours.Vectors.narrow(0, v, 1), gradient: false)),
        ];
        int n = SetParts.CountOf(data, set);
        List<double>[] along =
        [
            [],
            [],
        ];
        double loss = 0;
        Each(
            TorchWeights.Of(weights, layout),
            null,
            set,
            true,
            cancel,
            (pass, examples) =>
            {
                var (sum, slopes) = Taped(pass, set, examples);
                loss += sum;
                for (int d = 0; d < 2; d++)
                {
                    var own = zeros([1, examples.shape[0]], ScalarType.Float32, device);
                    for (int t = 0; t < pass.Tape!.Count; t++)
                        if (slopes[pass.Leaves.All.Count + t] is { } delta)
                            own = own.Plus(pass.Tape[t].Slopes(directions[d], delta));
                    along[d].AddRange(Host.Doubles(own));
                }
            }
        );
        foreach (var direction in directions)
            direction.Dispose();
        double[] x = new double[n],
            y = new double[n];
        for (int i = 0; i < n; i++)
            (x[i], y[i]) = ours.Coordinates(along[0][i], along[1][i]);
        double meanX = x.Sum() / n,
            meanY = y.Sum() / n,
            xx = 0,
            xy = 0,
            yy = 0;
        for (int i = 0; i < n; i++)
        {
            double dx = x[i] - meanX,
                dy = y[i] - meanY;
            xx += dx * dx;
            xy += dx * dy;
            yy += dy * dy;
        }
        return new PlaneGradientsProbe(n, loss / n, meanX, meanY, xx / n, xy / n, yy / n, new(1, 1, 0));
    }

    public void Dispose() => disposed = true;

    /// <summary>The set part by part, at the weights or another point with the same running statistics.</summary>
    private void Each(
        TorchWeights weights,
        Tensor? point,
        EvaluationSet set,
        bool tape,
        CancellationToken cancel,
        Action<Pass, Tensor> part
    )
    {
        using var tracks = enable_grad();
        using var leaves = new ParameterViews(layout, (point ?? weights.Vector).unsqueeze(0), gradient: true);
        foreach (var examples in SetParts.Parts(data, set, network, 1, device))
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            part(
                new Pass(leaves)
                {
                    Running = weights.Running?.unsqueeze(0),
                    Shared = true,
                    Tape = tape ? [] : null,
                },
                examples
            );
        }
    }

    private double Loss(TorchWeights weights, Tensor point, EvaluationSet set, CancellationToken cancel)
    {
        double sum = 0;
        Each(
            weights,
            point,
            set,
            false,
            cancel,
            (pass, examples) =>
            {
                using var still = no_grad();
                sum += Host.Double(model.Losses(pass, data.Of(set.Split), examples).sum(ScalarType.Float64));
            }
        );
        return sum / SetParts.CountOf(data, set);
    }

    /// <summary>Mean loss and its gradient [P].</summary>
    private (double Loss, Tensor Gradient) Slope(TorchWeights weights, Tensor? point, EvaluationSet set, CancellationToken cancel)
    {
        double loss = 0;
        var gradient = zeros([layout.Parameters], ScalarType.Float64, device);
        Each(
            weights,
            point,
            set,
            false,
            cancel,
            (pass, examples) =>
            {
                var losses = model.Losses(pass, data.Of(set.Split), examples);
                loss += Host.Double(losses.sum(ScalarType.Float64));
                gradient.Plus_(Flat(Autograd.Slopes(losses.sum(), pass.Leaves.All), pass));
            }
        );
        int n = SetParts.CountOf(data, set);
        return (loss / n, gradient.Over(n).to(ScalarType.Float32));
    }

    /// <summary>∇²L·v [P].</summary>
    private Tensor Curve(TorchWeights weights, EvaluationSet set, Tensor v, CancellationToken cancel)
    {
        var product = zeros([layout.Parameters], ScalarType.Float64, device);
        using var along = new ParameterViews(layout, v.unsqueeze(0), gradient: false);
        Each(
            weights,
            null,
            set,
            false,
            cancel,
            (pass, examples) =>
            {
                var leaves = pass.Leaves.All;
                var slopes = Autograd.Slopes(model.Losses(pass, data.Of(set.Split), examples).sum(), leaves, differentiable: true);
                Tensor? inner = null;
                for (int i = 0; i < leaves.Count; i++)
                {
                    if (slopes[i] is not { } slope)
                        continue;
                    var part = (slope * along.All[i]).sum();
                    inner = inner is null ? part : inner.Plus(part);
                }
                // Where the loss is linear in the weights there is no curvature.
                if (inner is { requires_grad: true })
                    product.Plus_(Flat(Autograd.Slopes(inner, leaves), pass));
            }
        );
        return product.Over(SetParts.CountOf(data, set)).to(ScalarType.Float32);
    }

    /// <summary>Sum of the losses, and its gradients by the leaves and then by what the tape holds.</summary>
    private (double Sum, Tensor?[] Slopes) Taped(Pass pass, EvaluationSet set, Tensor examples)
    {
        var losses = model.Losses(pass, data.Of(set.Split), examples);
        List<Tensor> by = [.. pass.Leaves.All, .. pass.Tape!.Select(touch => touch.Output)];
        return (Host.Double(losses.sum(ScalarType.Float64)), Autograd.Slopes(losses.sum(), by));
    }

    /// <summary>[P] in double precision.</summary>
    private static Tensor Flat(Tensor?[] slopes, Pass pass) =>
        cat([.. pass.Leaves.All.Select((leaf, i) => (slopes[i]?.detach() ?? zeros_like(leaf)).reshape(-1))], 0).to(ScalarType.Float64);

    private Tensor Signs(Philox stream)
    {
        var signs = new float[layout.Parameters];
        RandomSigns.Fill(stream, signs);
        return tensor(signs).to(device);
    }

    private Tensor Wide(IDirection direction) => TorchDirection.Of(direction, layout).Vector.to(ScalarType.Float64);

    private void RefuseContrast()
    {
        if (network.Contrastive)
            throw new RefusedException(
                Tr(
                    "A contrastive loss compares examples with one another, so single examples have no gradients.",
                    "对比损失比较样本之间的关系，单个样本没有自己的梯度。"
                )
            );
    }

    private static void CheckRadius(double radius, string name, int steps)
    {
        if (!(radius > 0) || !float.IsFinite((float)radius))
            throw new ArgumentOutOfRangeException(name, radius, "must be above 0");
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
    }

    private Scope Begin()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return new Scope(device, precision);
    }

    /// <summary>Nothing left behind.</summary>
    private sealed class Scope(Device device, Precision precision) : IDisposable
    {
        private readonly IDisposable? turn = Tf32Turns.Take(device, precision);
        private readonly DisposeScope scope = NewDisposeScope();

        public void Dispose()
        {
            scope.Dispose();
            turn?.Dispose();
        }
    }
}
