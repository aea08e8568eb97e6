using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Tiny;

/// <summary>
/// Up to a register's lanes of tiny nets, each in a lane of its own, that make their updates at the same time, with the bits that
/// <see cref="TinyModel"/> gives each alone. A net <see cref="Enter">enters</see> with its weights and state and leaves with them.
/// </summary>
internal sealed unsafe class TinyCohort : IDisposable
{
    /// <summary>Batches beyond this are trained one net after another, which fills the lanes just as well.</summary>
    public const int MostExamples = 1024;

    private readonly KernelTable kernels;
    private readonly WeightLayout layout;
    private readonly TinySource source;
    private readonly TinyWorkspace workspace;
    private readonly Arena arena;
    private readonly TinyBatch batch;
    private readonly LaneStatistics figures;
    private readonly float* weights,
        gradient,
        laneStatistics;
    private readonly int parameters,
        vectors,
        lanes;
    private readonly long statisticFloats;

    /// <param name="vectors">Weights and state vectors of a net.</param>
    public TinyCohort(
        KernelTable kernels,
        DataSet data,
        NetworkSpec network,
        WeightLayout layout,
        int batchSize,
        int vectors,
        Ledger? ledger = null
    )
    {
        arena = new Arena(ledger);
        (this.kernels, this.layout, this.vectors) = (kernels, layout, vectors);
        lanes = kernels.Width;
        parameters = (int)layout.Parameters;
        var (inputs, outputs) = (network.Sizes[0], network.Sizes[^1]);
        source = new TinySource(data.Train, network, lanes);
        workspace = new TinyWorkspace(network, lanes, ledger);
        int levels = 1 + System.Numerics.BitOperations.Log2((uint)lanes);
        statisticFloats = default(LaneStatistics).Lay(null, network.Layers, lanes) - (float*)null;
        long examples = (long)batchSize * lanes;
        arena.Reserve((long)vectors * parameters * lanes);
        arena.Reserve((long)levels * parameters * lanes, MemoryUse.Gradients);
        arena.Reserve(statisticFloats);
        arena.Reserve(examples * inputs, MemoryUse.Batch);
        arena.Reserve(examples * outputs, MemoryUse.Batch);
        for (int i = 0; i < 4; i++)
            arena.Reserve(examples, i < 2 ? MemoryUse.Batch : MemoryUse.Workspace);
        weights = arena.Take();
        gradient = arena.Take();
        laneStatistics = arena.Take();
        batch = new TinyBatch
        {
            Features = arena.Take(),
            Targets = arena.Take(),
            Labels = arena.Take(),
            Signs = arena.Take(),
            Losses = arena.Take(),
            Squares = arena.Take(),
        };
        figures.Lay(laneStatistics, network.Layers, lanes);
    }

    public int Lanes => lanes;

    /// <summary>
    /// Nets from which sharing lanes is faster than one after another: half of the lanes while a batch would leave half of them empty
    /// anyway, and nearly all once a net alone fills them with its own examples (measured: docs/performance.md).
    /// </summary>
    public static int FewestAt(int examples, int lanes) => examples <= lanes / 2 ? lanes / 2 : lanes - lanes / 8;

    /// <summary>Brings a net's weights and state vectors, padded one after another, into a lane.</summary>
    public void Enter(int lane, float* padded)
    {
        for (int v = 0; v < vectors; v++)
        {
            float* to = weights + (long)v * parameters * lanes + lane;
            foreach (var layer in layout.Layers)
            {
                for (int r = 0; r < layer.Rows; r++)
                {
                    for (int j = 0; j < layer.Outputs; j++, to += lanes)
                        *to = padded[v * layout.Floats + layer.Index(r, j)];
                }
            }
        }
    }

    /// <summary>The way back from <see cref="Enter"/>.</summary>
    public void Leave(int lane, float* padded)
    {
        for (int v = 0; v < vectors; v++)
        {
            float* from = weights + (long)v * parameters * lanes + lane;
            foreach (var layer in layout.Layers)
            {
                for (int r = 0; r < layer.Rows; r++)
                {
                    for (int j = 0; j < layer.Outputs; j++, from += lanes)
                        padded[v * layout.Floats + layer.Index(r, j)] = *from;
                }
            }
        }
    }

    /// <summary>The batch of one lane in the update to come.</summary>
    public void Give(int lane, ReadOnlySpan<int> examples) =>
        source.Column(
            examples,
            lane,
            new TinyTargets
            {
                Features = batch.Features,
                Labels = batch.Labels,
                Signs = batch.Signs,
                Values = batch.Targets,
            }
        );

    /// <summary>Losses and gradients of all lanes' batches, each of <paramref name="count"/> examples.</summary>
    public void Measure(int count)
    {
        new Span<float>(laneStatistics, (int)statisticFloats).Clear();
        var batches = batch;
        batches.Count = count;
        kernels.TinyGradients(workspace.Plan, batches, weights, parameters, gradient);
        kernels.TinyExamples(batches, (float)count * count, figures);
        kernels.TinySummarizeGradients(workspace.Plan, gradient, figures);
        for (int lane = 0; lane < lanes; lane++)
            figures.Loss[lane] /= count;
    }

    /// <summary>Steps all lanes.</summary>
    public void Step(Optimizer optimizer) =>
        optimizer.StepLanes(workspace.Plan, weights, gradient, weights + (long)parameters * lanes, (long)parameters * lanes, figures);

    /// <summary>
    /// Whether loss and gradient norm of a lane are numbers that a record can hold; see <see cref="UpdateStatistics.Finite"/>.
    /// </summary>
    public bool Finite(int lane)
    {
        double square = 0;
        for (int l = 0; l < layout.Layers.Length; l++)
            square += LayerSquare(lane, l);
        return float.IsFinite((float)figures.Loss[lane]) && float.IsFinite((float)Math.Sqrt(square));
    }

    /// <summary>What the last measurement, and the step after it if there was one, have shown of a lane.</summary>
    public void Read(int lane, UpdateStatistics to)
    {
        to.Clear();
        to.Loss = figures.Loss[lane];
        (to.ExampleSquares, to.ExampleNorms) = (figures.ExampleSquares[lane], figures.ExampleNorms[lane]);
        (to.ExampleMin, to.ExampleMax) = (figures.ExampleMin[lane], figures.ExampleMax[lane]);
        (to.UpdateSquare, to.WeightSquare) = (figures.UpdateSquare[lane], figures.WeightSquare[lane]);
        for (int l = 0; l < to.Squares.Length; l++)
            to.Squares[l] = LayerSquare(lane, l);
        to.Gradient = figures.Gradients.Of(lane, lanes, layout.Floats - layout.Parameters);
    }

    public void Dispose()
    {
        workspace.Dispose();
        arena.Dispose();
    }

    /// <summary>A layer's squared norm, anew in double where a float overflowed.</summary>
    private double LayerSquare(int lane, int layer)
    {
        double square = figures.LayerSquares[layer * lanes + lane];
        if (double.IsFinite(square))
            return square;
        float* g = gradient + layout.Layers[layer].FirstParameter * lanes + lane;
        double sum = 0;
        for (long p = 0; p < layout.Layers[layer].Parameters; p++)
            sum += (double)g[p * lanes] * g[p * lanes];
        return sum;
    }
}
