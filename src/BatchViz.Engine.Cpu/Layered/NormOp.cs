using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>y = γ·(x − μ)/√(σ² + ε) + β, γ and β by channel. What μ and σ² are taken over differs.</summary>
internal abstract unsafe class NormOp(KernelTable kernels, LayerSpec spec, LayerShape layer, Tensor input, Tensor output)
    : LayerOp(kernels, input, output)
{
    /// <summary>By channel [sets, padded channels]: mean, 1/√(σ² + ε), and factors of what is computed.</summary>
    protected float* Mean,
        Inverse,
        Scale,
        A,
        B,
        C;

    /// <summary>Sums over pixels, by channel.</summary>
    protected double* Sums,
        Products;

    protected float Epsilon => (float)spec.Epsilon;

    protected double Momentum => spec.Momentum;

    protected LayerShape Layer => layer;

    protected int Width => Input.Width;

    /// <summary>Rows with statistics of their own, of so many.</summary>
    protected abstract int Sets(int rows);

    public override void Reserve(Arena arena, int rows, Uses uses)
    {
        for (int i = 0; i < 2; i++)
            arena.Reserve((long)Sets(rows) * Width);
        for (int i = 0; i < 4; i++)
            arena.Reserve(Width);
        for (int i = 0; i < 2; i++)
            arena.Reserve(2 * Width);
    }

    public override void Take(Arena arena)
    {
        Mean = arena.Take();
        Inverse = arena.Take();
        Scale = arena.Take();
        A = arena.Take();
        B = arena.Take();
        C = arena.Take();
        Sums = (double*)arena.Take();
        Products = (double*)arena.Take();
    }

    protected void ClearSums()
    {
        new Span<double>(Sums, Width).Clear();
        new Span<double>(Products, Width).Clear();
    }
}

/// <summary>
/// Ioffe and Szegedy 2015 (arXiv:1502.03167). Training, μ and σ² are those of a channel over the whole batch and all pixels (σ² divided by
/// their number n); running means and variances (divided by n − 1) take in a share of them with each update. Evaluating, these are used.
/// With n = 1, x − μ = 0: outputs are β, nothing goes back to the input or to γ, and the running variance, of which one value says nothing,
/// stays.
/// </summary>
internal sealed unsafe class BatchNormOp(KernelTable kernels, LayerSpec spec, LayerShape layer, NormShape norm, Tensor input, Tensor output)
    : NormOp(kernels, spec, layer, input, output)
{
    private long counted;

    protected override int Sets(int rows) => 2;

    /// <summary>The batch's variances stand behind the means.</summary>
    private float* Variance => Mean + Width;

    public override void Forward(LayerState state, int rows)
    {
        int pixels = rows * Input.Pixels;
        counted = pixels;
        if (state.Training)
        {
            ClearSums();
            Kernels.ColumnSums(pixels, Width, Input.Data, Sums);
            for (int c = 0; c < Width; c++)
                Mean[c] = (float)(Sums[c] / pixels);
            Kernels.ColumnSquares(pixels, Width, Input.Data, Mean, Products);
            for (int c = 0; c < Width; c++)
                Variance[c] = (float)(Products[c] / pixels);
        }
        else
        {
            float* running = state.Statistics + norm.Offset;
            for (int c = 0; c < Width; c++)
                (Mean[c], Variance[c]) = (running[c], Math.Max(0, running[Width + c]));
        }
        float* gamma = state.Weights + Layer.Offset,
            beta = state.Weights + Layer.BiasOffset;
        for (int c = 0; c < Width; c++)
        {
            Inverse[c] = 1 / MathF.Sqrt(Variance[c] + Epsilon);
            Scale[c] = Inverse[c] * gamma[c];
        }
        Kernels.Affine(pixels, Width, Input.Data, Mean, Scale, beta, Output.Data, false);
    }

    public override void Backward(LayerState state, int rows)
    {
        int pixels = rows * Input.Pixels;
        ClearSums();
        Kernels.ColumnSums(pixels, Width, Output.Delta, Sums);
        Kernels.ColumnProducts(pixels, Width, Output.Delta, Input.Data, Mean, Products);
        if (state.Gradient != null)
            AddWeights(state.Gradient);
        if (state.ExampleSquares != null)
            AddExamples(state, rows);
        if (!Input.NeedsGradient)
            return;
        // Training: γ/s·(δ − Σδ/n − (x − μ)/s²·Σδ(x − μ)/n), s² = σ² + ε. Evaluating, μ and σ² do not depend on x.
        Kernels.Affine(pixels, Width, Output.Delta, null, Scale, null, Input.Delta, Adds);
        if (!state.Training)
            return;
        for (int c = 0; c < Width; c++)
        {
            B[c] = (float)(-(double)Scale[c] * Inverse[c] * Inverse[c] * Products[c] / pixels);
            C[c] = (float)(-(double)Scale[c] * Sums[c] / pixels);
        }
        Kernels.Affine(pixels, Width, Input.Data, Mean, B, C, Input.Delta, true);
    }

    public override void ForwardTangent(LayerState state, int rows)
    {
        int pixels = rows * Input.Pixels;
        float* gamma = state.Direction + Layer.Offset,
            beta = state.Direction + Layer.BiasOffset;
        for (int c = 0; c < Width; c++)
            A[c] = Inverse[c] * gamma[c];
        Kernels.Affine(pixels, Width, Input.Data, Mean, A, beta, Output.Tangent, false);
        if (Input.NeedsGradient)
            Kernels.Affine(pixels, Width, Input.Tangent, null, Scale, null, Output.Tangent, true);
    }

    public override void BackwardTangent(LayerState state, int rows)
    {
        int pixels = rows * Input.Pixels;
        ClearSums();
        Kernels.ColumnSums(pixels, Width, Output.DeltaTangent, Sums);
        Kernels.ColumnProducts(pixels, Width, Output.DeltaTangent, Input.Data, Mean, Products);
        if (Input.NeedsGradient)
            Kernels.ColumnProducts(pixels, Width, Output.Delta, Input.Tangent, null, Products);
        AddWeights(state.Product);
        if (!Input.NeedsGradient)
            return;
        Kernels.Affine(pixels, Width, Output.DeltaTangent, null, Scale, null, Input.DeltaTangent, Adds);
        Kernels.Affine(pixels, Width, Output.Delta, null, A, null, Input.DeltaTangent, true);
    }

    public override void Commit(LayerState state)
    {
        float* running = state.Statistics + norm.Offset;
        for (int c = 0; c < norm.Channels; c++)
        {
            running[c] = (float)((1 - Momentum) * running[c] + Momentum * Mean[c]);
            if (counted > 1)
                running[Width + c] = (float)(
                    (1 - Momentum) * running[Width + c] + Momentum * ((double)Variance[c] * counted / (counted - 1))
                );
        }
    }

    /// <summary>Each row's gradient of γ and β while evaluating.</summary>
    private void AddExamples(LayerState state, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            ClearSums();
            float* delta = Output.Delta + row * Output.Floats;
            Kernels.ColumnSums(Input.Pixels, Width, delta, Sums);
            Kernels.ColumnProducts(Input.Pixels, Width, delta, Input.Data + row * Input.Floats, Mean, Products);
            double square = 0;
            for (int c = 0; c < Width; c++)
                square += Sums[c] * Sums[c] + Products[c] * Inverse[c] * Products[c] * Inverse[c];
            state.ExampleSquares[row] += (float)square;
        }
    }

    private void AddWeights(float* gradient)
    {
        for (int c = 0; c < Layer.Outputs; c++)
        {
            gradient[Layer.Offset + c] += (float)(Products[c] * Inverse[c]);
            gradient[Layer.BiasOffset + c] += (float)Sums[c];
        }
    }
}
