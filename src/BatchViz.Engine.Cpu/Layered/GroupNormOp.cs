using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// Wu and He 2018 (arXiv:1803.08494): μ and σ² of each example over the pixels and channels of a group, training and evaluating alike; one
/// group is layer normalisation (Ba et al. 2016, arXiv:1607.06450). With one value to a group, outputs are β and nothing goes back.
/// </summary>
internal sealed unsafe class GroupNormOp(KernelTable kernels, LayerSpec spec, LayerShape layer, Tensor input, Tensor output)
    : NormOp(kernels, spec, layer, input, output)
{
    private readonly int groups = spec.Kind == LayerKind.LayerNorm ? 1 : spec.Groups;

    /// <summary>R{μ} and R{1/s}/(1/s) by channel, the same for all of a group [rows, padded channels].</summary>
    private float* meanTangent,
        inverseTangent,
        rest;
    private double* plainSums,
        plainProducts;
    private bool curvature;

    private int Each => Input.Channels / groups;

    private double Count => (double)Each * Input.Pixels;

    protected override int Sets(int rows) => rows;

    public override void Reserve(Arena arena, int rows, Uses uses)
    {
        base.Reserve(arena, rows, uses);
        curvature = uses == Uses.Curvature;
        if (!curvature)
            return;
        for (int i = 0; i < 2; i++)
            arena.Reserve((long)rows * Width);
        for (int i = 0; i < 2; i++)
            arena.Reserve(2 * Width);
        arena.Reserve(Width);
    }

    public override void Take(Arena arena)
    {
        base.Take(arena);
        if (!curvature)
            return;
        meanTangent = arena.Take();
        inverseTangent = arena.Take();
        plainSums = (double*)arena.Take();
        plainProducts = (double*)arena.Take();
        rest = arena.Take();
    }

    public override void Forward(LayerState state, int rows)
    {
        float* gamma = state.Weights + Layer.Offset,
            beta = state.Weights + Layer.BiasOffset;
        for (int row = 0; row < rows; row++)
        {
            float* x = Input.Data + row * Input.Floats,
                mean = Mean + (nint)row * Width,
                inverse = Inverse + (nint)row * Width;
            ClearSums();
            Kernels.ColumnSums(Input.Pixels, Width, x, Sums);
            Average(Sums);
            for (int c = 0; c < Input.Channels; c++)
                mean[c] = (float)Sums[c];
            Kernels.ColumnSquares(Input.Pixels, Width, x, mean, Products);
            Average(Products);
            for (int c = 0; c < Input.Channels; c++)
            {
                inverse[c] = 1 / MathF.Sqrt((float)Products[c] + Epsilon);
                Scale[c] = inverse[c] * gamma[c];
            }
            Kernels.Affine(Input.Pixels, Width, x, mean, Scale, beta, Output.Data + row * Output.Floats, false);
        }
    }

    public override void Backward(LayerState state, int rows)
    {
        float* gamma = state.Weights + Layer.Offset;
        for (int row = 0; row < rows; row++)
        {
            float* x = Input.Data + row * Input.Floats,
                delta = Output.Delta + row * Output.Floats,
                mean = Mean + (nint)row * Width,
                inverse = Inverse + (nint)row * Width;
            ClearSums();
            Kernels.ColumnSums(Input.Pixels, Width, delta, Sums);
            Kernels.ColumnProducts(Input.Pixels, Width, delta, x, mean, Products);
            if (state.Gradient != null)
                AddWeights(state.Gradient, inverse);
            if (state.ExampleSquares != null)
            {
                double square = 0;
                for (int c = 0; c < Input.Channels; c++)
                    square += Sums[c] * Sums[c] + Products[c] * inverse[c] * Products[c] * inverse[c];
                state.ExampleSquares[row] += (float)square;
            }
            if (!Input.NeedsGradient)
                continue;
            // dx = (γδ − m₁ − x̂ m₂)/s with m₁ = mean γδ and m₂ = mean γδx̂ over the group.
            for (int c = 0; c < Input.Channels; c++)
            {
                Sums[c] *= gamma[c];
                Products[c] *= (double)gamma[c] * inverse[c];
            }
            Average(Sums);
            Average(Products);
            for (int c = 0; c < Input.Channels; c++)
            {
                A[c] = gamma[c] * inverse[c];
                B[c] = (float)(-Products[c] * inverse[c] * inverse[c]);
                C[c] = (float)(-Sums[c] * inverse[c]);
            }
            float* back = Input.Delta + row * Input.Floats;
            Kernels.Affine(Input.Pixels, Width, delta, null, A, null, back, Adds);
            Kernels.Affine(Input.Pixels, Width, x, mean, B, C, back, true);
        }
    }

    public override void ForwardTangent(LayerState state, int rows)
    {
        float* gamma = state.Weights + Layer.Offset,
            v = state.Direction + Layer.Offset,
            beta = state.Direction + Layer.BiasOffset;
        for (int row = 0; row < rows; row++)
        {
            float* x = Input.Data + row * Input.Floats,
                r = Input.Tangent + row * Input.Floats,
                to = Output.Tangent + row * Output.Floats;
            float* mean = Mean + (nint)row * Width,
                inverse = Inverse + (nint)row * Width,
                shift = meanTangent + (nint)row * Width,
                turn = inverseTangent + (nint)row * Width;
            ClearSums();
            Kernels.ColumnSums(Input.Pixels, Width, r, Sums);
            Kernels.ColumnProducts(Input.Pixels, Width, r, x, mean, Products);
            Average(Sums);
            Average(Products);
            // R{1/s} = −(1/s)³·mean (x − μ)R{x}; kept divided by 1/s.
            for (int c = 0; c < Input.Channels; c++)
                (shift[c], turn[c]) = ((float)Sums[c], (float)(-Products[c] * inverse[c] * inverse[c]));
            // R{y} = γ(R{x} − R{μ})/s + (γ·turn + v)(x − μ)/s + R{β}.
            for (int c = 0; c < Input.Channels; c++)
            {
                A[c] = gamma[c] * inverse[c];
                B[c] = (gamma[c] * turn[c] + v[c]) * inverse[c];
            }
            Kernels.Affine(Input.Pixels, Width, r, shift, A, beta, to, false);
            Kernels.Affine(Input.Pixels, Width, x, mean, B, null, to, true);
        }
    }

    public override void BackwardTangent(LayerState state, int rows)
    {
        float* gamma = state.Weights + Layer.Offset,
            v = state.Direction + Layer.Offset;
        for (int row = 0; row < rows; row++)
        {
            float* x = Input.Data + row * Input.Floats,
                r = Input.Tangent + row * Input.Floats,
                delta = Output.Delta + row * Output.Floats,
                rDelta = Output.DeltaTangent + row * Output.Floats;
            float* mean = Mean + (nint)row * Width,
                inverse = Inverse + (nint)row * Width,
                shift = meanTangent + (nint)row * Width,
                turn = inverseTangent + (nint)row * Width;

            // Σδ and Σδx̂ by channel.
            new Span<double>(plainSums, Width).Clear();
            new Span<double>(plainProducts, Width).Clear();
            Kernels.ColumnSums(Input.Pixels, Width, delta, plainSums);
            Kernels.ColumnProducts(Input.Pixels, Width, delta, x, mean, plainProducts);
            for (int c = 0; c < Input.Channels; c++)
                plainProducts[c] *= inverse[c];

            // R{Σδx̂} = Σ R{δ}x̂ + Σ δ R{x̂}, R{x̂} = (R{x} − R{μ})/s + turn·x̂.
            ClearSums();
            Kernels.ColumnSums(Input.Pixels, Width, rDelta, Sums);
            Kernels.ColumnProducts(Input.Pixels, Width, rDelta, x, mean, Products);
            Kernels.ColumnProducts(Input.Pixels, Width, delta, r, shift, Products);
            for (int c = 0; c < Input.Channels; c++)
            {
                Products[c] = Products[c] * inverse[c] + turn[c] * plainProducts[c];
                state.Product[Layer.Offset + c] += (float)Products[c];
                state.Product[Layer.BiasOffset + c] += (float)Sums[c];
            }
            if (!Input.NeedsGradient)
                continue;

            // m₁, m₂ as in Backward, and R{m₁}, R{m₂}.
            for (int c = 0; c < Input.Channels; c++)
            {
                Sums[c] = v[c] * plainSums[c] + gamma[c] * Sums[c];
                Products[c] = v[c] * plainProducts[c] + gamma[c] * Products[c];
                plainSums[c] *= gamma[c];
                plainProducts[c] *= gamma[c];
            }
            Average(Sums);
            Average(Products);
            Average(plainSums);
            Average(plainProducts);
            // R{dx} = (R{γδ} − R{m₁} − R{x̂}m₂ − x̂R{m₂})/s + turn·dx, put together by what is multiplied: R{δ}, δ, R{x} − R{μ}, x − μ and
            // 1.
            for (int c = 0; c < Input.Channels; c++)
            {
                double s = inverse[c],
                    t = turn[c];
                A[c] = (float)(gamma[c] * s);
                Scale[c] = (float)((v[c] + t * gamma[c]) * s);
                B[c] = (float)(-plainProducts[c] * s * s);
                C[c] = (float)(-(Products[c] + 2 * t * plainProducts[c]) * s * s);
                rest[c] = (float)(-(Sums[c] + t * plainSums[c]) * s);
            }
            float* back = Input.DeltaTangent + row * Input.Floats;
            Kernels.Affine(Input.Pixels, Width, rDelta, null, A, null, back, Adds);
            Kernels.Affine(Input.Pixels, Width, delta, null, Scale, null, back, true);
            Kernels.Affine(Input.Pixels, Width, r, shift, B, null, back, true);
            Kernels.Affine(Input.Pixels, Width, x, mean, C, rest, back, true);
        }
    }

    /// <summary>Sums by channel to each group's mean over its values, written to all its channels.</summary>
    private void Average(double* sums)
    {
        for (int g = 0; g < groups; g++)
        {
            double sum = 0;
            for (int c = g * Each; c < (g + 1) * Each; c++)
                sum += sums[c];
            sum /= Count;
            for (int c = g * Each; c < (g + 1) * Each; c++)
                sums[c] = sum;
        }
    }

    private void AddWeights(float* gradient, float* inverse)
    {
        for (int c = 0; c < Input.Channels; c++)
        {
            gradient[Layer.Offset + c] += (float)(Products[c] * inverse[c]);
            gradient[Layer.BiasOffset + c] += (float)Sums[c];
        }
    }
}
