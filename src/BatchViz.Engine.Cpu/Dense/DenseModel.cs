using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// Backpropagation through a dense network, in chunks of at most <see cref="ChunkRows"/> examples so that the workspace stays in the
/// cache whatever the batch size; chunks add up in their order. With the last chunk the gradient is finished panel by panel of some
/// rows of a weight matrix, and each panel is measured and applied while it is in the cache; a gradient of full size exists only
/// where several chunks add up to it.
/// </summary>
internal sealed unsafe class DenseModel : Model
{
    public const int ChunkRows = 128;

    /// <summary>From this many examples on, transposing a weight matrix costs less than it saves.</summary>
    private const int TransposeFrom = 4;

    /// <summary>
    /// Floats of a panel: few enough to stay in the first-level cache, more where the deltas that every panel reads do not.
    /// </summary>
    private const int PanelFloats = 4096,
        WidePanelFloats = 16384;

    /// <summary>
    /// While the squared norms of the examples' gradients stay below this, no sum of theirs can leave the range of a float.
    /// </summary>
    private const double Safe = 1e30;

    private readonly KernelTable kernels;
    private readonly DataSplit train;
    private readonly WeightLayout layout;
    private readonly DensePass pass;
    private readonly Arena arena;
    private readonly float*[] deltas,
        transposed;
    private readonly float* ones,
        panel,
        gradient,
        inputSquares,
        deltaSquares,
        exampleSquares;
    private readonly int* all;
    private readonly bool factors,
        exampleStatistics;
    private readonly int chunk,
        panelChunk;

    /// <param name="batchSize">Most examples in a batch.</param>
    /// <param name="plain">Plain gradients are applied where they are taken, so that with batches of one none has to be formed.</param>
    /// <param name="exampleStatistics">Whether the norms of the examples' own gradients are wanted.</param>
    /// <param name="microBatch">Most examples in a chunk; null: as many as suit the cache. The bits do not depend on it.</param>
    public DenseModel(
        KernelTable kernels,
        DataSet data,
        NetworkSpec network,
        WeightLayout layout,
        int batchSize,
        bool plain,
        bool exampleStatistics,
        int? microBatch = null,
        Ledger? ledger = null
    )
    {
        arena = new Arena(ledger);
        (this.kernels, this.layout, train, this.exampleStatistics) = (kernels, layout, data.Train, exampleStatistics);
        var layers = layout.Layers;
        factors = batchSize == 1 && plain;
        panelChunk = Math.Min(batchSize, ChunkRows);
        chunk = Math.Min(panelChunk, microBatch ?? ChunkRows);
        pass = new DensePass(kernels, network, layout, chunk, slopes: true, ledger, train);
        deltas = new float*[layers.Length];
        transposed = new float*[layers.Length];
        int widest = layers.Max(layer => layer.Inputs);
        bool transposes = batchSize >= TransposeFrom;
        try
        {
            arena.Reserve(factors ? 0 : layers.Max(layer => (long)PanelRows(layer) * layer.Stride), MemoryUse.Gradients);
            arena.Reserve(batchSize > chunk ? layout.Floats : 0, MemoryUse.Gradients);
            for (int i = 0; i < 4; i++)
                arena.Reserve(pass.Capacity);
            arena.Reserve(widest);
            foreach (var layer in layers)
            {
                arena.Reserve((long)pass.Capacity * layer.Stride, MemoryUse.Gradients);
                arena.Reserve(transposes && layer.Offset > 0 ? (long)layer.Outputs * Arena.Pad(layer.Inputs) : 0);
            }
            panel = arena.Take();
            gradient = arena.Take();
            ones = arena.Take();
            inputSquares = arena.Take();
            deltaSquares = arena.Take();
            exampleSquares = arena.Take();
            all = (int*)arena.Take();
            for (int l = 0; l < layers.Length; l++)
            {
                deltas[l] = arena.Take();
                transposed[l] = arena.Take();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
        if (arena.Predicting)
            return;
        new Span<float>(ones, pass.Capacity).Fill(1);
        for (int i = 0; i < widest; i++)
            all[i] = i;
    }

    public override bool KeepsWeightSquare => factors;

    public override void Update(float* weights, float* state, ReadOnlySpan<int> batch, Optimizer optimizer, UpdateStatistics figures)
    {
        float scale = 1f / batch.Length;
        bool transpose = batch.Length >= TransposeFrom;
        if (transpose)
            TransposeWeights(weights);
        int rows = 0,
            start = 0;
        for (; start < batch.Length; start += rows)
        {
            if (start > 0)
                AddGradient(rows, add: start > rows);
            rows = Math.Min(chunk, batch.Length - start);
            for (int b = 0; b < rows; b++)
            {
                pass.GatherFeatures(train, batch[start + b], b);
                pass.GatherTarget(train, batch[start + b], b);
            }
            pass.Forward(weights, rows);
            figures.Loss = pass.Loss(rows, deltas[^1], scale, figures.Loss);
            Backward(weights, rows, transpose);
            if (exampleStatistics || factors)
                Examples(rows, batch.Length, figures);
        }
        figures.Loss /= batch.Length;
        bool earlier = batch.Length > rows;
        if (factors)
        {
            StepFromFactors(weights, optimizer, figures);
        }
        else if (float.IsFinite((float)figures.Loss) && figures.ExampleSquares < Safe)
        {
            Finish(weights, state, rows, earlier, optimizer, figures);
        }
        else
        {
            // First whether it can be applied at all; the gradient is then made a second time.
            Finish(weights, state, rows, earlier, null, figures);
            if (figures.Finite)
            {
                figures.Gradient = default;
                Finish(weights, state, rows, earlier, optimizer, figures);
            }
        }
        if (!exampleStatistics)
            figures.LeaveExamplesOut();
    }

    public override void Dispose()
    {
        pass.Dispose();
        arena.Dispose();
    }

    private int PanelRows(LayerShape layer)
    {
        int floats = (long)panelChunk * layer.Stride <= PanelFloats ? PanelFloats : WidePanelFloats;
        return Math.Min(layer.Rows, Math.Max(8, floats / layer.Stride / 8 * 8));
    }

    private float* Input(int layer) => layer == 0 ? pass.Input : pass.Output(layer - 1);

    private void TransposeWeights(float* weights)
    {
        for (int l = 1; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            Transpose.Run(layer.Inputs, layer.Outputs, weights + layer.Offset, layer.Stride, transposed[l], Arena.Pad(layer.Inputs));
        }
    }

    /// <summary>From ∂loss/∂(last activation) to ∂loss/∂z of every layer.</summary>
    private void Backward(float* weights, int rows, bool transpose)
    {
        for (int l = layout.Layers.Length - 1; l >= 0; l--)
        {
            var layer = layout.Layers[l];
            kernels.ActivationBackward(pass.ActivationOf(l), (long)rows * layer.Stride, deltas[l], pass.Output(l), pass.Slope(l));
            if (l == 0)
                return;
            int below = layout.Layers[l - 1].Stride;
            if (transpose)
            {
                kernels.MatrixProduct(rows, layer.Outputs, below, deltas[l], layer.Stride, 1, transposed[l], null, deltas[l - 1], false);
                continue;
            }
            for (int b = 0; b < rows; b++)
                kernels.RowsTimesDelta(
                    layer.Inputs,
                    below,
                    layer.Stride,
                    weights + layer.Offset,
                    deltas[l] + (nint)b * layer.Stride,
                    deltas[l - 1] + (nint)b * below
                );
        }
    }

    /// <summary>
    /// ‖gradient of example b‖² = Σ over layers of (‖x_b‖² + 1)·‖δ_b‖², for a layer's gradient is the outer product of its inputs (and
    /// the bias's 1) and its deltas (Goodfellow 2015, arXiv:1510.01799). The deltas carry 1/B, which is taken out again.
    /// </summary>
    private void Examples(int rows, int batch, UpdateStatistics figures)
    {
        new Span<float>(exampleSquares, pass.Capacity).Clear();
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            kernels.RowSquares(rows, layer.Inputs, Arena.Pad(layer.Inputs), Input(l), inputSquares);
            kernels.RowSquares(rows, layer.Outputs, layer.Stride, deltas[l], deltaSquares);
            float bias = layer.Bias ? 1 : 0;
            kernels.AddProducts(pass.Capacity, bias, inputSquares, deltaSquares, exampleSquares);
            if (factors)
                figures.Squares[l] = (double)(inputSquares[0] + bias) * deltaSquares[0];
        }
        kernels.Norms(pass.Capacity, (float)batch * batch, exampleSquares, inputSquares);
        figures.AddExamples(new(exampleSquares, rows), new(inputSquares, rows));
    }

    /// <summary>The chunk's part of the gradient, where more chunks follow.</summary>
    private void AddGradient(int rows, bool add)
    {
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            Rows(layer, l, 0, layer.Rows, rows, gradient + layer.Offset, add);
        }
    }

    /// <summary>The last chunk's part of the gradient; measures the whole and, given an optimiser, applies it.</summary>
    /// <param name="earlier">Chunks before it have left their part.</param>
    private void Finish(float* weights, float* state, int rows, bool earlier, Optimizer? optimizer, UpdateStatistics figures)
    {
        (figures.UpdateSquare, figures.WeightSquare) = (0, 0);
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            int step = PanelRows(layer);
            double square = 0;
            for (int first = 0; first < layer.Rows; first += step)
            {
                int count = Math.Min(step, layer.Rows - first);
                long at = layer.Offset + (long)first * layer.Stride,
                    floats = (long)count * layer.Stride;
                float* g = panel;
                if (earlier && optimizer is null)
                    Buffer.MemoryCopy(gradient + at, g, floats * sizeof(float), floats * sizeof(float));
                else if (earlier)
                    g = gradient + at;
                Rows(layer, l, first, count, rows, g, earlier);
                kernels.SummarizeGradient(1, &floats, g, &square, ref figures.Gradient);
                if (optimizer is null)
                    continue;
                var (update, norm) = optimizer.Step(at, floats, weights, g, state);
                figures.UpdateSquare += update;
                figures.WeightSquare += norm;
            }
            figures.Squares[l] = square;
        }
    }

    /// <summary>Some rows of a layer's gradient from a chunk of examples; the row after the inputs' is that of the biases.</summary>
    private void Rows(LayerShape layer, int l, int first, int count, int rows, float* g, bool add)
    {
        int inputs = Math.Min(count, layer.Inputs - first);
        if (inputs > 0 && l == 0 && pass.Sparse is { } sparse)
            sparse.Gradient(first, inputs, layer.Stride, deltas[0], g, add);
        else if (inputs > 0)
            kernels.MatrixProduct(inputs, rows, layer.Stride, Input(l) + first, 1, Arena.Pad(layer.Inputs), deltas[l], null, g, add);
        if (inputs < count)
            kernels.MatrixProduct(1, rows, layer.Stride, ones, 1, 1, deltas[l], null, g + (nint)inputs * layer.Stride, add);
    }

    /// <summary>
    /// One example, plain steps: each layer's gradient stays the two vectors whose outer product it is, and inputs of 0 are left out.
    /// </summary>
    private void StepFromFactors(float* weights, Optimizer optimizer, UpdateStatistics figures)
    {
        if (!figures.Finite)
            return;
        double moved = 0;
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            int listed = l == 0 ? pass.Listed : layer.Inputs;
            figures.Gradient.Add(0, (long)(layer.Inputs - listed) * layer.Stride);
            moved += kernels.AddListedOuter(
                listed,
                l == 0 ? pass.List : all,
                layer.Stride,
                optimizer.Scale,
                Input(l),
                deltas[l],
                weights + layer.Offset,
                ref figures.Gradient
            );
            if (layer.Bias)
                moved += kernels.AddListedOuter(
                    1,
                    all,
                    layer.Stride,
                    optimizer.Scale,
                    ones,
                    deltas[l],
                    weights + layer.BiasOffset,
                    ref figures.Gradient
                );
        }
        double scale = optimizer.Scale;
        figures.UpdateSquare = scale * scale * figures.Square;
        figures.NextWeightSquare = figures.WeightSquare + 2 * moved + figures.UpdateSquare;
    }
}
