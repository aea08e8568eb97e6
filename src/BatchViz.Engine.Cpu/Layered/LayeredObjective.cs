using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Probes;
using static BatchViz.Core.Language;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// The mean loss of a model of layers over a set, evaluating, in chunks that add up in their order. As many chunks as fit into the budget
/// keep their linearisation for the next Hessian product; the others share the last place and are computed anew, to the same bits.
/// </summary>
internal sealed unsafe class LayeredObjective : Objective
{
    private readonly KernelTable kernels;
    private readonly NetworkSpec network;
    private readonly WeightLayout layout;
    private readonly long budget;
    private readonly Arena arena = new();
    private readonly float* at,
        statistics,
        direction,
        squares;
    private readonly int chunkRows;
    private Place?[] places = [];
    private long linearisation;

    /// <param name="budget">Floats that kept chunks may take (at least one is kept); by default 128 MB.</param>
    public LayeredObjective(KernelTable kernels, NetworkSpec network, WeightLayout layout, long budget = 32_000_000)
    {
        (this.kernels, this.network, this.layout, this.budget) = (kernels, network, layout, budget);
        chunkRows = network.Contrastive ? NetworkSpec.PairsCompared : LayeredPass.CachedRows(kernels, layout, network);
        arena.Reserve(layout.Floats);
        arena.Reserve(layout.StatisticsFloats);
        arena.Reserve(layout.Floats);
        arena.Reserve(chunkRows);
        at = arena.Take();
        statistics = arena.Take();
        direction = arena.Take();
        squares = arena.Take();
    }

    private int Chunks => (Examples + chunkRows - 1) / chunkRows;

    public override void UseStatistics(float* running)
    {
        long bytes = layout.StatisticsFloats * sizeof(float);
        if (bytes > 0)
            System.Buffer.MemoryCopy(running, statistics, bytes, bytes);
    }

    public override double Loss(float* weights, CancellationToken cancel)
    {
        MoveTo(weights);
        double sum = 0;
        for (int c = 0; c < Chunks; c++)
        {
            cancel.ThrowIfCancellationRequested();
            var place = Chunk(c);
            Forward(place, backward: false);
            sum = place.Pass.Loss(place.Rows, 0, sum);
        }
        return sum / Examples;
    }

    public override double Linearise(float* weights, float* gradient, bool curvature, CancellationToken cancel) =>
        Linearise(weights, gradient, curvature, null, cancel);

    public override double ExampleGradients(float* weights, float* gradient, double[] squares, CancellationToken cancel)
    {
        RefuseContrast();
        return Linearise(weights, gradient, false, squares, cancel);
    }

    public override double ExampleSlopes(float* weights, float* d1, float* d2, double[] along1, double[] along2, CancellationToken cancel)
    {
        RefuseContrast();
        MoveTo(weights);
        double sum = 0;
        for (int c = 0; c < Chunks; c++)
        {
            cancel.ThrowIfCancellationRequested();
            var place = Chunk(c);
            Forward(place, backward: false);
            sum = place.Pass.Loss(place.Rows, 1, sum);
            Slopes(d1, along1.AsSpan(c * chunkRows, place.Rows));
            Slopes(d2, along2.AsSpan(c * chunkRows, place.Rows));

            void Slopes(float* d, Span<double> to)
            {
                place.Pass.State.Direction = d;
                place.Pass.PrepareTangent();
                place.Pass.Slopes(place.Rows, to);
            }
        }
        return sum / Examples;
    }

    public override void HessianProduct(float* v, float* product, CancellationToken cancel)
    {
        System.Buffer.MemoryCopy(v, direction, layout.Floats * sizeof(float), layout.Floats * sizeof(float));
        new Span<float>(product, checked((int)layout.Floats)).Clear();
        for (int c = 0; c < Chunks; c++)
        {
            cancel.ThrowIfCancellationRequested();
            var place = Chunk(c);
            if (place.Linearisation != linearisation || !place.Curved)
                Linearise(place, null, true, 0);
            place.Pass.State.Direction = direction;
            place.Pass.State.Product = product;
            place.Pass.PrepareTangent();
            place.Pass.HessianProduct(place.Rows, 1);
        }
        kernels.Scale(layout.Floats, 1f / Examples, product);
    }

    public override double MeanSquareOutputSlope(float* weights, CancellationToken cancel)
    {
        MoveTo(weights);
        double sum = 0;
        for (int c = 0; c < Chunks; c++)
        {
            cancel.ThrowIfCancellationRequested();
            var place = Chunk(c);
            Forward(place, backward: false);
            place.Pass.Loss(place.Rows, 1);
            sum += place.Pass.SumSquareOutputSlopes(place.Rows);
        }
        return sum / Examples;
    }

    public override void Dispose()
    {
        foreach (var place in places)
            place?.Pass.Dispose();
        arena.Dispose();
    }

    protected override void SetChanged()
    {
        foreach (var place in places)
            place?.Forget();
        // With tangents a row takes about twice what it takes with gradients.
        long floats = 2 * chunkRows * LayeredPass.RowFloats(kernels, layout, network);
        int fitting = (int)Math.Clamp(budget / floats, 1, Chunks);
        if (fitting > places.Length)
            Array.Resize(ref places, fitting);
    }

    private double Linearise(float* weights, float* gradient, bool curvature, double[]? examples, CancellationToken cancel)
    {
        MoveTo(weights);
        if (gradient != null)
            new Span<float>(gradient, checked((int)layout.Floats)).Clear();
        double sum = 0;
        for (int c = 0; c < Chunks; c++)
        {
            cancel.ThrowIfCancellationRequested();
            var place = Chunk(c);
            place.Pass.State.ExampleSquares = examples is null ? null : squares;
            if (examples is not null)
                new Span<float>(squares, chunkRows).Clear();
            sum = Linearise(place, gradient, curvature, sum);
            place.Pass.State.ExampleSquares = null;
            for (int row = 0; row < place.Rows && examples is not null; row++)
                examples[c * chunkRows + row] = squares[row];
        }
        if (gradient != null)
            kernels.Scale(layout.Floats, 1f / Examples, gradient);
        return sum / Examples;
    }

    /// <summary>Begins a linearisation at these weights.</summary>
    private void MoveTo(float* weights)
    {
        linearisation++;
        System.Buffer.MemoryCopy(weights, at, layout.Floats * sizeof(float), layout.Floats * sizeof(float));
    }

    private void Forward(Place place, bool backward)
    {
        place.Linearisation = 0;
        place.Pass.State.Weights = at;
        place.Pass.State.Statistics = statistics;
        place.Pass.Prepare(backward);
        place.Pass.Forward(place.Rows);
    }

    private double Linearise(Place place, float* gradient, bool curvature, double sum)
    {
        Forward(place, backward: true);
        place.Pass.State.Gradient = gradient;
        sum = place.Pass.Loss(place.Rows, 1, sum);
        if (curvature)
            place.Pass.CurveLoss(place.Rows);
        place.Pass.Backward(place.Rows);
        (place.Linearisation, place.Curved) = (linearisation, curvature);
        return sum;
    }

    /// <summary>The chunk with its examples gathered.</summary>
    private Place Chunk(int index)
    {
        int first = index * chunkRows,
            rows = Math.Min(chunkRows, Examples - first);
        var place = places[Math.Min(index, places.Length - 1)] ??= new Place(
            new LayeredPass(kernels, network, layout, chunkRows, Uses.Curvature)
        );
        if (place.First == first && place.Rows == rows)
            return place;
        (place.First, place.Rows, place.Linearisation) = (first, rows, 0);
        for (int row = 0; row < rows; row++)
            place.Pass.Gather(Source, Example(first + row), row);
        return place;
    }

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

    private sealed class Place(LayeredPass pass)
    {
        public LayeredPass Pass => pass;

        /// <summary>Where its examples begin in their set; −1 before any came.</summary>
        public int First { get; set; } = -1;

        public int Rows { get; set; }

        /// <summary>Which linearisation this holds; 0 for none.</summary>
        public long Linearisation { get; set; }

        /// <summary>Whether that linearisation has what Hessian products need.</summary>
        public bool Curved { get; set; }

        public void Forget() => First = -1;
    }
}
