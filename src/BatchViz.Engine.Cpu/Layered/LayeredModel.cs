using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// Updates of models of layers. Batches go through in chunks that stay in the cache and add up one example after another, so that the
/// cut changes no bit; where examples of a batch see one another (batch norms, contrastive losses) the whole batch is one chunk,
/// examples have no gradients of their own, and what is said about these is not a number.
/// </summary>
internal sealed unsafe class LayeredModel : Model
{
    /// <summary>From this many examples on, transposing a weight matrix costs less than it saves.</summary>
    private const int TransposeFrom = 4;

    private readonly KernelTable kernels;
    private readonly DataSplit train;
    private readonly WeightLayout layout;
    private readonly LayeredPass pass;
    private readonly Arena arena;
    private readonly float* gradient,
        exampleSquares,
        exampleNorms;
    private readonly bool exampleStatistics;
    private readonly int chunk;

    public LayeredModel(
        KernelTable kernels,
        DataSet data,
        NetworkSpec network,
        WeightLayout layout,
        int batchSize,
        bool exampleStatistics,
        int? microBatch,
        Ledger? ledger = null
    )
    {
        (this.kernels, this.layout, train) = (kernels, layout, data.Train);
        this.exampleStatistics = exampleStatistics && network.Separable;
        chunk = batchSize;
        if (network.Separable)
            chunk = Math.Min(batchSize, Math.Min(microBatch ?? int.MaxValue, LayeredPass.CachedRows(kernels, layout, network)));
        arena = new Arena(ledger);
        pass = new LayeredPass(kernels, network, layout, chunk, Uses.Gradient, ledger);
        try
        {
            arena.Reserve(layout.Floats, MemoryUse.Gradients);
            arena.Reserve(chunk);
            arena.Reserve(chunk);
            gradient = arena.Take();
            exampleSquares = arena.Take();
            exampleNorms = arena.Take();
        }
        catch
        {
            Dispose();
            throw;
        }
        pass.State.Gradient = gradient;
        pass.State.Training = true;
    }

    public override bool KeepsWeightSquare => false;

    public override void Begin(uint seed, long update, float* statistics)
    {
        pass.State.Seed = seed;
        pass.State.Update = (ulong)update;
        pass.State.Statistics = statistics;
    }

    public override void Update(float* weights, float* state, ReadOnlySpan<int> batch, Optimizer optimizer, UpdateStatistics figures)
    {
        float share = 1f / batch.Length;
        var at = pass.State;
        at.Weights = weights;
        at.FewRows = batch.Length < TransposeFrom;
        at.ExampleSquares = exampleStatistics ? exampleSquares : null;
        new Span<float>(gradient, checked((int)layout.Floats)).Clear();
        pass.Prepare(backward: true);
        for (int start = 0; start < batch.Length; start += chunk)
        {
            int rows = Math.Min(chunk, batch.Length - start);
            for (int row = 0; row < rows; row++)
                pass.Gather(train, batch[start + row], row);
            at.FirstRow = start;
            pass.Forward(rows);
            figures.Loss = pass.Loss(rows, share, figures.Loss);
            if (exampleStatistics)
                new Span<float>(exampleSquares, chunk).Clear();
            pass.Backward(rows);
            if (!exampleStatistics)
                continue;
            kernels.Norms(Arena.Pad(chunk), (float)batch.Length * batch.Length, exampleSquares, exampleNorms);
            figures.AddExamples(new(exampleSquares, rows), new(exampleNorms, rows));
        }
        figures.Loss /= batch.Length;
        if (!exampleStatistics)
            figures.LeaveExamplesOut();
        Finish(weights, state, optimizer, figures);
    }

    public override void Dispose()
    {
        pass.Dispose();
        arena.Dispose();
    }

    /// <summary>Measures the gradient and, if it can be, applies it.</summary>
    private void Finish(float* weights, float* state, Optimizer optimizer, UpdateStatistics figures)
    {
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            long floats = layer.Floats;
            double square = 0;
            kernels.SummarizeGradient(1, &floats, gradient + layer.Offset, &square, ref figures.Gradient);
            figures.Squares[l] = square;
        }
        (figures.UpdateSquare, figures.WeightSquare) = (0, 0);
        if (!figures.Finite)
            return;
        foreach (var layer in layout.Layers)
        {
            var (update, norm) = optimizer.Step(layer.Offset, layer.Floats, weights, gradient + layer.Offset, state);
            figures.UpdateSquare += update;
            figures.WeightSquare += norm;
        }
        pass.Commit();
    }
}
