using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using TorchSharp;
using static BatchViz.Core.Language;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>Losses of weights, planes and grids; points of a grid are nets that go through the set together.</summary>
internal sealed class TorchEvaluator(TorchData data, NetworkSpec network, Device device, Precision precision) : IEvaluator
{
    private readonly ParameterLayout layout = new(network);
    private readonly StackedModel model = new(new ParameterLayout(network), data.Source, precision);
    private bool disposed;

    public Evaluation Evaluate(IWeights weights, EvaluationSet set)
    {
        using var scope = Begin();
        var ours = TorchWeights.Of(weights, layout);
        return Evaluate(ours.Vector.unsqueeze(0), ours.Running?.unsqueeze(0), set, default)[0];
    }

    public double[] CentredGram(IReadOnlyList<IWeights> weights)
    {
        using var scope = Begin();
        var points = Stack(weights);
        var centred = points - points.mean([0], keepdim: true);
        return Host.Doubles(centred.mm(centred.t()));
    }

    public IPlane CombinationPlane(IReadOnlyList<IWeights> weights, ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        using var scope = Begin();
        var points = Stack(weights);
        if (a.Length != weights.Count || b.Length != weights.Count)
            throw new ArgumentException($"{a.Length} and {b.Length} coefficients for {weights.Count} weights", nameof(a));
        var mean = points.mean([0]);
        var centred = points - mean;
        return new TorchPlane(layout, mean, Combination(a), Combination(b), MeanStatistics(weights));

        Tensor Combination(ReadOnlySpan<double> coefficients)
        {
            var sum = tensor(coefficients.ToArray()).to(device).unsqueeze(0).mm(centred).squeeze(0);
            double length = Math.Sqrt(Host.Double(sum.Squared().sum()));
            return length == 0 ? sum : sum.Over(length);
        }
    }

    public IPlane RandomPlane(IReadOnlyList<IWeights> weights, uint seed)
    {
        using var scope = Begin();
        var mean = Stack(weights).mean([0]);
        double[] origin = Host.Doubles(mean);
        return new TorchPlane(layout, mean, Direction(0), Direction(1), MeanStatistics(weights));

        // Drawn on the host: the same directions for every engine.
        Tensor Direction(int which)
        {
            var direction = new double[layout.Parameters];
            for (int l = 0; l < layout.Places.Length; l++)
            {
                var place = layout.Places[l];
                if (place.Group.Role != WeightRole.Matrix)
                    continue;
                var stream = new Philox(seed, Purpose.PlaneDirection, (ulong)(2 * l + which));
                for (int o = 0; o < place.Group.Outputs; o++)
                {
                    long at = place.Offset + (long)o * place.Group.Inputs;
                    double drawn = 0,
                        wanted = 0;
                    for (int i = 0; i < place.Group.Inputs; i++)
                    {
                        double value = stream.Gaussian((ulong)o * (ulong)place.Group.Inputs + (ulong)i);
                        direction[at + i] = value;
                        drawn += value * value;
                        wanted += origin[at + i] * origin[at + i];
                    }
                    double scale = drawn > 0 ? Math.Sqrt(wanted / drawn) : 0;
                    for (int i = 0; i < place.Group.Inputs; i++)
                        direction[at + i] *= scale;
                }
            }
            return tensor(direction).to(device);
        }
    }

    public IPlane WeightPlane()
    {
        if (layout.Parameters != 2)
            throw new InvalidOperationException($"a model of {layout.Parameters} weights is no plane");
        using var scope = Begin();
        var axes = eye(2, dtype: ScalarType.Float32, device: device);
        return new TorchPlane(layout, zeros(2, ScalarType.Float32, device), axes.select(0, 0), axes.select(0, 1), null);
    }

    public IPlane PlaneThrough(IWeights a, IWeights b, IWeights c)
    {
        using var scope = Begin();
        Tensor origin = Wide(TorchWeights.Of(a, layout)),
            d1 = Wide(TorchWeights.Of(b, layout)) - origin,
            d2 = Wide(TorchWeights.Of(c, layout)) - origin;
        if (!Orthonormalise(ref d1, ref d2))
            throw new RefusedException("The three points lie on one line: no single plane goes through them.");
        return new TorchPlane(layout, origin, d1, d2, MeanStatistics([a]));
    }

    public IPlane DirectionPlane(IWeights origin, IDirection d1, IDirection d2)
    {
        using var scope = Begin();
        Tensor first = Wide(TorchDirection.Of(d1, layout)),
            second = Wide(TorchDirection.Of(d2, layout));
        if (!Orthonormalise(ref first, ref second))
            throw new RefusedException("The two directions are parallel, or one has no length: they span no plane.");
        return new TorchPlane(layout, TorchWeights.Of(origin, layout).Vector, first, second, MeanStatistics([origin]));
    }

    public IPlane PlaneOf(PlaneVectors vectors)
    {
        foreach (float[] vector in new[] { vectors.Origin, vectors.First, vectors.Second })
            if (vector.Length != layout.Parameters)
                throw new ArgumentException($"{vector.Length} numbers for {layout.Parameters} weights", nameof(vectors));
        if ((vectors.Statistics?.Length ?? 0) != layout.Statistics)
            throw new ArgumentException($"{vectors.Statistics?.Length ?? 0} running statistics for {layout.Statistics}", nameof(vectors));
        using var scope = Begin();
        var statistics = vectors.Statistics is { } given ? tensor(given).to(device) : null;
        return new TorchPlane(layout, OnDevice(vectors.Origin), OnDevice(vectors.First), OnDevice(vectors.Second), statistics);

        Tensor OnDevice(float[] vector) => tensor(vector).to(device);
    }

    public PlanePoint Project(IPlane plane, IWeights weights) =>
        TorchPlane.Of(plane, layout).Project(TorchWeights.Of(weights, layout).Vector, fromOrigin: true);

    public PlanePoint Project(IPlane plane, IDirection vector) =>
        TorchPlane.Of(plane, layout).Project(TorchDirection.Of(vector, layout).Vector, fromOrigin: false);

    public void Outputs(IWeights weights, ReadOnlySpan<float> inputs, Span<float> outputs)
    {
        if (network.Model.Kind == ModelKind.Surface)
            throw new RefusedException(Tr("A surface has no inputs and no outputs.", "曲面没有输入与输出。"));
        if (network.Contrastive)
            throw new RefusedException(Tr("A model of two towers has no outputs for one view alone.", "双塔模型对单个视图没有输出。"));
        int width = data.Source.Inputs,
            wide = network.Sizes[^1],
            count = inputs.Length / width;
        if (inputs.Length != count * width)
            throw new ArgumentException($"{inputs.Length} values for examples of {width} inputs", nameof(inputs));
        if (outputs.Length != count * wide)
            throw new ArgumentException($"{outputs.Length} places for {count} examples of {wide} outputs", nameof(outputs));
        using var scope = Begin();
        var ours = TorchWeights.Of(weights, layout);
        using var leaves = new ParameterViews(layout, ours.Vector.unsqueeze(0), gradient: false);
        var pass = new Pass(leaves) { Running = ours.Running?.unsqueeze(0) };
        Host.Copy(model.Outputs(pass, tensor(inputs.ToArray(), [1, count, width]).to(device)), outputs);
    }

    public void Grid(
        IPlane plane,
        GridRegion region,
        int resolution,
        EvaluationSet set,
        Span<float> losses,
        CancellationToken cancel,
        int threads = 1
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(resolution, 1);
        if (losses.Length != resolution * resolution)
            throw new ArgumentException($"{losses.Length} places for {resolution}² points", nameof(losses));
        using var scope = Begin();
        var ours = TorchPlane.Of(plane, layout);
        float[] xs = Lines(region.X0, region.X1, resolution),
            ys = Lines(region.Y0, region.Y1, resolution);
        var missing = new List<int>();
        for (int p = 0; p < losses.Length; p++)
            if (float.IsNaN(losses[p]))
                missing.Add(p);
        int most = SetParts.NetsAtOnce(network, device);
        for (int first = 0; first < missing.Count; first += most)
        {
            if (first > 0)
                cancel.ThrowIfCancellationRequested();
            using var part = NewDisposeScope();
            int count = Math.Min(most, missing.Count - first);
            var points = missing.GetRange(first, count);
            float[] x = [.. points.Select(p => xs[p % resolution])],
                y = [.. points.Select(p => ys[p / resolution])];
            var found = Evaluate(ours.Points(x, y), ours.StatisticsOf(x), set, cancel);
            for (int i = 0; i < count; i++)
                losses[points[i]] = float.IsFinite((float)found[i].Loss) ? (float)found[i].Loss : float.PositiveInfinity;
        }
    }

    public void Line(
        IWeights from,
        IWeights to,
        double t0,
        double t1,
        int count,
        EvaluationSet set,
        Span<Evaluation> values,
        CancellationToken cancel
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (values.Length != count)
            throw new ArgumentException($"{values.Length} places for {count} points", nameof(values));
        using var scope = Begin();
        TorchWeights a = TorchWeights.Of(from, layout),
            b = TorchWeights.Of(to, layout);
        Tensor origin = Wide(a),
            along = Wide(b) - origin;
        using var line = new TorchPlane(
            layout,
            origin,
            along,
            zeros_like(along),
            a.Running,
            b.Running is null ? null : b.Running - a.Running!
        );
        float[] ts = Lines(t0, t1, count);
        int most = SetParts.NetsAtOnce(network, device);
        for (int first = 0; first < count; first += most)
        {
            cancel.ThrowIfCancellationRequested();
            using var part = NewDisposeScope();
            float[] x = ts[first..Math.Min(count, first + most)];
            Evaluate(line.Points(x, new float[x.Length]), line.StatisticsOf(x), set, cancel).CopyTo(values[first..]);
        }
    }

    public void Dispose() => disposed = true;

    /// <summary>Mean loss and accuracy of each of M nets over the set.</summary>
    private Evaluation[] Evaluate(Tensor weights, Tensor? running, EvaluationSet set, CancellationToken cancel)
    {
        long nets = weights.shape[0];
        using var leaves = new ParameterViews(layout, weights, gradient: false);
        double[] losses = new double[nets],
            right = new double[nets];
        bool counts = false;
        foreach (var examples in SetParts.Parts(data, set, network, nets, device))
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var (each, found) = model.Evaluate(new Pass(leaves) { Running = running, Shared = true }, data.Of(set.Split), examples);
            Add(losses, each.sum(1, false, ScalarType.Float64));
            counts = found is not null;
            if (found is not null)
                Add(right, found.sum(1, false, ScalarType.Float64));
        }
        int count = SetParts.CountOf(data, set);
        return [.. losses.Select((loss, m) => new Evaluation(loss / count, counts ? right[m] / count : double.NaN))];

        static void Add(double[] to, Tensor part)
        {
            double[] read = Host.Doubles(part);
            for (int m = 0; m < to.Length; m++)
                to[m] += read[m];
        }
    }

    /// <summary>[n, P] in double precision.</summary>
    private Tensor Stack(IReadOnlyList<IWeights> weights)
    {
        if (weights.Count == 0)
            throw new ArgumentException("no weights", nameof(weights));
        return stack(weights.Select(w => Wide(TorchWeights.Of(w, layout))));
    }

    /// <summary>Mean of the running statistics that belong to the weights.</summary>
    private Tensor? MeanStatistics(IReadOnlyList<IWeights> weights) =>
        layout.Statistics == 0 ? null : stack(weights.Select(w => TorchWeights.Of(w, layout).Running!.to(ScalarType.Float64))).mean([0]);

    private static Tensor Wide(DeviceVector vector) => vector.Vector.to(ScalarType.Float64);

    /// <summary>Gram-Schmidt, the second taken twice; false where a length is 0 or what is left is no more than rounding.</summary>
    private static bool Orthonormalise(ref Tensor a, ref Tensor b)
    {
        const double Rounding = 1e-6;
        double length = Length(a),
            whole = Length(b);
        if (!(length > 0) || !(whole > 0))
            return false;
        a = a.Over(length);
        for (int pass = 0; pass < 2; pass++)
            b = b - a.Times(Host.Double(a.dot(b)));
        double left = Length(b);
        if (!(left > Rounding * whole))
            return false;
        b = b.Over(left);
        return true;
    }

    private static double Length(Tensor v) => Math.Sqrt(Host.Double(v.Squared().sum()));

    /// <summary>Coordinates of all grid lines; the same bits for the same line of a coarser 2ᵏ+1 grid.</summary>
    private static float[] Lines(double from, double to, int resolution) =>
        [
            .. Enumerable
                .Range(0, resolution)
                .Select(i =>
                    (float)(i == resolution - 1 && resolution > 1 ? to : from + (to - from) * (i / (double)Math.Max(1, resolution - 1)))
                ),
        ];

    private Scope Begin()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return new Scope(device, precision);
    }

    /// <summary>No gradients, and nothing left behind.</summary>
    private sealed class Scope(Device device, Precision precision) : IDisposable
    {
        private readonly IDisposable? turn = Tf32Turns.Take(device, precision);
        private readonly IDisposable still = no_grad();
        private readonly DisposeScope scope = NewDisposeScope();

        public void Dispose()
        {
            scope.Dispose();
            still.Dispose();
            turn?.Dispose();
        }
    }
}
