using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Planes;

namespace BatchViz.Engine.Cpu.Probes;

/// <summary>The probes, the same for every model; derivatives are the objective's affair.</summary>
internal sealed unsafe class CpuProbe(DataSet data, NetworkSpec network, Objective objective) : IProbe
{
    private readonly WeightLayout layout = WeightLayout.Of(network);
    private readonly Workspace workspace = new(WeightLayout.Of(network).Floats);
    private bool disposed;

    /// <summary>
    /// Where the objective is ready for Hessian products: weights do not change, so the next product there needs nothing else.
    /// </summary>
    private (IWeights Weights, EvaluationSet Set)? linearised;

    public IDirection Direction(ReadOnlySpan<float> canonical)
    {
        if (canonical.Length != layout.Parameters)
            throw new ArgumentException($"{canonical.Length} components for {layout.Parameters} weights", nameof(canonical));
        using var padded = new NativeBuffer(layout.Floats);
        layout.Pack(canonical, padded.Pointer);
        return new CpuDirection(layout, padded.Pointer);
    }

    public double Dot(IDirection a, IDirection b)
    {
        using var first = CpuDirection.Of(a, layout).Hold();
        using var second = CpuDirection.Of(b, layout).Hold();
        return Vectors.Dot(layout.Floats, first.Pointer, second.Pointer);
    }

    public double Cosine(IDirection a, IDirection b) => Math.Clamp(Dot(a, b) / (a.Norm * b.Norm), -1, 1);

    public GradientProbe Gradient(IWeights weights, EvaluationSet set, CancellationToken cancel)
    {
        using var hold = Begin(weights, set);
        double loss = objective.Linearise(hold.Pointer, workspace.Gradient, false, cancel);
        var gradient = new CpuDirection(layout, workspace.Gradient);
        GC.KeepAlive(this);
        return new GradientProbe(loss, gradient, new(0, 1, 0));
    }

    public HessianProductProbe HessianProduct(IWeights weights, EvaluationSet set, IDirection v, CancellationToken cancel)
    {
        using var hold = Begin(weights, set, curvature: true);
        using var vector = CpuDirection.Of(v, layout).Hold();
        long gradients = Linearise(weights, set, hold.Pointer, cancel);
        objective.HessianProduct(vector.Pointer, workspace.Vector, cancel);
        double curvature = Vectors.Dot(layout.Floats, vector.Pointer, workspace.Vector);
        var product = new CpuDirection(layout, workspace.Vector);
        GC.KeepAlive(this);
        return new HessianProductProbe(product, curvature, new(0, gradients, 1));
    }

    public EigenProbe Eigenvalues(IWeights weights, EvaluationSet set, int count, int iterations, uint seed, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, layout.Parameters);
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
        using var hold = Begin(weights, set, curvature: true);
        long gradients = Linearise(weights, set, hold.Pointer, cancel);
        var found = new CpuLanczos(objective, layout, workspace, seed, cancel).Largest(count, iterations);
        GC.KeepAlive(this);
        return found with { Cost = found.Cost + new ProbeCost(0, gradients, 0) };
    }

    public TraceProbe Trace(IWeights weights, EvaluationSet set, int samples, uint seed, long update, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(samples, RandomSigns.MostVectors);
        ArgumentOutOfRangeException.ThrowIfNegative(update);
        using var hold = Begin(weights, set, curvature: true);
        long gradients = Linearise(weights, set, hold.Pointer, cancel);
        var trace = Hutchinson.Trace(objective, layout, workspace, samples, seed, update, cancel);
        GC.KeepAlive(this);
        return trace with { Cost = trace.Cost + new ProbeCost(0, gradients, 0) };
    }

    public SharpnessProbe Sharpness(IWeights weights, EvaluationSet set, double epsilon, int steps, CancellationToken cancel)
    {
        CheckRadius(epsilon, nameof(epsilon), steps);
        using var hold = Begin(weights, set);
        var sharpness = Ascent.InBox(objective, layout, workspace, hold.Pointer, (float)epsilon, steps, cancel);
        GC.KeepAlive(this);
        return sharpness;
    }

    public SharpnessProbe AdaptiveSharpness(IWeights weights, EvaluationSet set, double rho, int steps, CancellationToken cancel)
    {
        CheckRadius(rho, nameof(rho), steps);
        using var hold = Begin(weights, set);
        var sharpness = Ascent.Adaptive(objective, workspace, hold.Pointer, rho, steps, cancel);
        GC.KeepAlive(this);
        return sharpness;
    }

    public FisherRaoProbe FisherRao(IWeights weights, EvaluationSet set, CancellationToken cancel)
    {
        if (network.Model.WhyNoFisherRao() is { } why)
            throw new RefusedException(why);
        using var hold = Begin(weights, set);
        double mean = objective.MeanSquareOutputSlope(hold.Pointer, cancel);
        GC.KeepAlive(this);
        return new FisherRaoProbe(network.Layers * Math.Sqrt(mean), new(1, 0, 0));
    }

    public ExampleGradientsProbe ExampleGradients(IWeights weights, EvaluationSet set, Span<float> norms, CancellationToken cancel)
    {
        using var hold = Begin(weights, set);
        if (norms.Length != 0 && norms.Length != objective.Examples)
            throw new ArgumentException($"{norms.Length} places for {objective.Examples} norms", nameof(norms));
        var squares = new double[objective.Examples];
        double loss = objective.ExampleGradients(hold.Pointer, workspace.Gradient, squares, cancel);
        double square = 0,
            sum = 0,
            largest = 0;
        for (int i = 0; i < squares.Length; i++)
        {
            double norm = Math.Sqrt(squares[i]);
            square += squares[i];
            sum += norm;
            largest = norm > largest || double.IsNaN(norm) ? norm : largest;
            if (norms.Length > 0)
                norms[i] = (float)norm;
        }
        int n = squares.Length;
        double gradientSquare = Vectors.Dot(layout.Floats, workspace.Gradient, workspace.Gradient);
        GC.KeepAlive(this);
        return new ExampleGradientsProbe(n, loss, gradientSquare, square / n, sum / n, largest, new(0, 1, 0));
    }

    public PlaneGradientsProbe PlaneGradients(IWeights weights, EvaluationSet set, IPlane plane, CancellationToken cancel)
    {
        var ours = CpuPlane.Of(plane, layout);
        using var vectors = ours.Hold();
        using var hold = Begin(weights, set);
        int n = objective.Examples;
        double[] x = new double[n],
            y = new double[n];
        double loss = objective.ExampleSlopes(
            hold.Pointer,
            vectors.Pointer + layout.Floats,
            vectors.Pointer + 2 * layout.Floats,
            x,
            y,
            cancel
        );
        for (int i = 0; i < n; i++)
            (x[i], y[i]) = ours.Coordinates(x[i], y[i]);
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
        GC.KeepAlive(this);
        return new PlaneGradientsProbe(n, loss, meanX, meanY, xx / n, xy / n, yy / n, new(1, 1, 0));
    }

    public void Dispose()
    {
        disposed = true;
        objective.Dispose();
        workspace.Dispose();
    }

    private static void CheckRadius(double radius, string name, int steps)
    {
        if (!(radius > 0) || !float.IsFinite((float)radius))
            throw new ArgumentOutOfRangeException(name, radius, "must be above 0");
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
    }

    /// <param name="curvature">Only Hessian products will be asked of the objective.</param>
    private BufferHold Begin(IWeights weights, EvaluationSet set, bool curvature = false)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        objective.Choose(data, set);
        var hold = CpuWeights.Of(weights, layout).Hold();
        objective.UseStatistics(hold.Pointer + layout.Floats);
        if (!curvature || linearised != (weights, set))
            linearised = null;
        return hold;
    }

    /// <summary>Makes ready for Hessian products; the gradients it cost, 0 or 1.</summary>
    private long Linearise(IWeights weights, EvaluationSet set, float* held, CancellationToken cancel)
    {
        if (linearised is not null)
            return 0;
        objective.Linearise(held, null, true, cancel);
        linearised = (weights, set);
        return 1;
    }
}
