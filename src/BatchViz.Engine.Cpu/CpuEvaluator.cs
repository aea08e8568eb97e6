using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Planes;
using BatchViz.Engine.Cpu.Probes;

namespace BatchViz.Engine.Cpu;

/// <summary>What all evaluators share: planes through weights. Losses are the model's affair.</summary>
internal abstract class CpuEvaluator(DataSet data, NetworkSpec network) : IEvaluator
{
    protected DataSet Data { get; } = data;

    protected WeightLayout Layout { get; } = WeightLayout.Of(network);

    public abstract Evaluation Evaluate(IWeights weights, EvaluationSet set);

    public abstract void Grid(
        IPlane plane,
        GridRegion region,
        int resolution,
        EvaluationSet set,
        Span<float> losses,
        CancellationToken cancel,
        int threads
    );

    public abstract void Line(
        IWeights from,
        IWeights to,
        double t0,
        double t1,
        int count,
        EvaluationSet set,
        Span<Evaluation> values,
        CancellationToken cancel
    );

    public abstract void Outputs(IWeights weights, ReadOnlySpan<float> inputs, Span<float> outputs);

    public abstract void Dispose();

    public double[] CentredGram(IReadOnlyList<IWeights> weights) => WeightVectors.CentredGram(Layout, weights);

    public IPlane CombinationPlane(IReadOnlyList<IWeights> weights, ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var mean = WeightVectors.Mean(Layout, weights);
        return new CpuPlane(
            Layout,
            mean,
            WeightVectors.Combination(Layout, weights, mean, a),
            WeightVectors.Combination(Layout, weights, mean, b),
            WeightVectors.MeanStatistics(Layout, weights)
        );
    }

    public IPlane RandomPlane(IReadOnlyList<IWeights> weights, uint seed)
    {
        var mean = WeightVectors.Mean(Layout, weights);
        return new CpuPlane(
            Layout,
            mean,
            WeightVectors.FilterNormalised(Layout, mean, seed, 0),
            WeightVectors.FilterNormalised(Layout, mean, seed, 1),
            WeightVectors.MeanStatistics(Layout, weights)
        );
    }

    public IPlane WeightPlane()
    {
        if (Layout.Parameters != 2)
            throw new InvalidOperationException($"a model of {Layout.Parameters} weights is no plane");
        Span<double> vectors = stackalloc double[3 * (int)Layout.Floats];
        vectors.Clear();
        int n = (int)Layout.Floats;
        Span<int> places = stackalloc int[2];
        int found = 0;
        foreach (var layer in Layout.Layers)
        {
            for (int o = 0; o < layer.Outputs; o++)
            {
                for (int i = 0; i < layer.Inputs; i++)
                    places[found++] = (int)layer.Index(i, o);
            }
            if (layer.Bias)
                places[found++] = (int)layer.BiasOffset;
        }
        vectors[n + places[0]] = 1;
        vectors[2 * n + places[1]] = 1;
        return new CpuPlane(Layout, vectors[..n], vectors.Slice(n, n), vectors.Slice(2 * n, n));
    }

    public IPlane PlaneThrough(IWeights a, IWeights b, IWeights c)
    {
        double[] origin = WeightVectors.Of(Layout, a),
            d1 = WeightVectors.Of(Layout, b),
            d2 = WeightVectors.Of(Layout, c);
        WeightVectors.Subtract(d1, origin);
        WeightVectors.Subtract(d2, origin);
        if (!WeightVectors.Orthonormalise(d1, d2))
            throw new RefusedException("The three points lie on one line: no single plane goes through them.");
        return new CpuPlane(Layout, origin, d1, d2, WeightVectors.MeanStatistics(Layout, [a]));
    }

    public IPlane DirectionPlane(IWeights origin, IDirection d1, IDirection d2)
    {
        double[] first = WeightVectors.Of(Layout, d1),
            second = WeightVectors.Of(Layout, d2);
        if (!WeightVectors.Orthonormalise(first, second))
            throw new RefusedException("The two directions are parallel, or one has no length: they span no plane.");
        return new CpuPlane(Layout, WeightVectors.Of(Layout, origin), first, second, WeightVectors.MeanStatistics(Layout, [origin]));
    }

    public IPlane PlaneOf(PlaneVectors vectors)
    {
        double[] statistics = new double[Layout.StatisticsFloats];
        WeightVectors.PackStatistics(Layout, vectors.Statistics ?? [], statistics);
        return new CpuPlane(Layout, Padded(vectors.Origin), Padded(vectors.First), Padded(vectors.Second), statistics);

        double[] Padded(float[] canonical) => WeightVectors.OfCanonical(Layout, canonical);
    }

    public PlanePoint Project(IPlane plane, IWeights weights) =>
        WeightVectors.Project(CpuPlane.Of(plane, Layout), CpuWeights.Of(weights, Layout));

    public PlanePoint Project(IPlane plane, IDirection vector) =>
        WeightVectors.Project(CpuPlane.Of(plane, Layout), CpuDirection.Of(vector, Layout));

    /// <summary>Examples in the set.</summary>
    protected int CountOf(EvaluationSet set) => set.Indices?.Length ?? Data.Of(set.Split).Count;

    /// <summary>Coordinate of a grid line; the same bits for the same line of a coarser 2ᵏ+1 grid.</summary>
    protected static double Coordinate(double from, double to, int index, int resolution) =>
        index == resolution - 1 && resolution > 1 ? to : from + (to - from) * (index / (double)Math.Max(1, resolution - 1));

    /// <summary>Coordinates of all grid lines, as floats.</summary>
    protected static float[] Lines(double from, double to, int resolution) =>
        [.. Enumerable.Range(0, resolution).Select(i => (float)Coordinate(from, to, i, resolution))];

    protected static void CheckLine(int count, Span<Evaluation> values)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (values.Length != count)
            throw new ArgumentException($"{values.Length} places for {count} points", nameof(values));
    }

    protected static void CheckGrid(int resolution, Span<float> losses, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(resolution, 1);
        if (losses.Length != resolution * resolution)
            throw new ArgumentException($"{losses.Length} places for {resolution}² points", nameof(losses));
    }

    /// <summary>A mean loss as a grid holds it: what is not finite is +∞.</summary>
    public static float Height(double loss) => float.IsFinite((float)loss) ? (float)loss : float.PositiveInfinity;
}
