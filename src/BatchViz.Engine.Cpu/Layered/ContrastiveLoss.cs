using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// Contrastive losses of a batch of pairs: embeddings a_i and b_i of length 1, similarities s_ij = ⟨a_i, b_j⟩.
/// InfoNCE: ½ [mean_i −ln softmax_j(s_ij/τ)_i + mean_j −ln softmax_i(s_ij/τ)_j], which is 0 with gradient 0 for a batch of one.
/// Sigmoid (SigLIP): 1/B Σ_ij ln(1 + e^(−z_ij(t s_ij + b))), z = 1 for i = j, else −1, t = eᵗ'.
/// </summary>
internal sealed unsafe class ContrastiveLoss
{
    /// <summary>Embeddings shorter than this count as if they were as long, so that their direction stays finite.</summary>
    private const float Shortest = 1e-12f;

    /// <summary>
    /// Step of the difference that stands for the loss's own second derivative, as a share of the embeddings: rounding and the third
    /// derivative spoil it about equally.
    /// </summary>
    private const double Step = 5e-3;

    private readonly KernelTable kernels;
    private readonly int width,
        stride,
        pairs,
        across;
    private readonly bool sigmoid;
    private readonly float scale;
    private readonly LayerShape? own;
    private float* a,
        b,
        turned,
        lengthsA,
        lengthsB,
        forth,
        back,
        forthSlope,
        backSlope,
        losses,
        spare,
        slopeA,
        slopeB,
        atA,
        atB,
        otherA,
        otherB;
    private int* labels;

    /// <summary>Of the loss's own weights, t' and b: where the loss is taken instead of at the weights, and the gradient there.</summary>
    private (float Log, float Shift)? ownAt;
    private (double Log, double Shift) ownSlope;

    /// <param name="pairs">Most pairs.</param>
    public ContrastiveLoss(KernelTable kernels, NetworkSpec network, WeightLayout layout, int pairs)
    {
        (this.kernels, this.pairs) = (kernels, pairs);
        width = network.Graph.Output.Channels;
        stride = Arena.Pad(width);
        across = Arena.Pad(pairs);
        sigmoid = network.Loss == LossKind.SigmoidContrastive;
        scale = InitialWeights.LogScale(network);
        if (network.Graph.LossWeights >= 0)
            own = layout.Layers[network.Graph.LossWeights];
        Factor = (float)(1 / network.Model.Temperature);
    }

    private float Factor { get; }

    public void Reserve(Arena arena, Uses uses)
    {
        bool gradient = uses != Uses.Loss;
        for (int i = 0; i < 3; i++)
            arena.Reserve((long)across * stride);
        arena.Reserve((long)across * across);
        arena.Reserve(sigmoid ? 0 : (long)across * across);
        for (int i = 0; i < 5; i++)
            arena.Reserve(across);
        for (int i = 0; i < 2; i++)
            arena.Reserve(gradient ? (long)across * stride : 0);
        for (int i = 0; i < 2; i++)
            arena.Reserve(gradient && !sigmoid ? (long)across * across : 0);
        for (int i = 0; i < 4; i++)
            arena.Reserve(uses == Uses.Curvature ? (long)across * stride : 0);
    }

    public void Take(Arena arena)
    {
        a = arena.Take();
        b = arena.Take();
        turned = arena.Take();
        forth = arena.Take();
        back = arena.Take();
        lengthsA = arena.Take();
        lengthsB = arena.Take();
        losses = arena.Take();
        spare = arena.Take();
        labels = (int*)arena.Take();
        slopeA = arena.Take();
        slopeB = arena.Take();
        forthSlope = arena.Take();
        backSlope = arena.Take();
        atA = arena.Take();
        atB = arena.Take();
        otherA = arena.Take();
        otherB = arena.Take();
        for (int i = 0; i < pairs && !arena.Predicting; i++)
            labels[i] = i;
    }

    /// <summary>The sum over the pairs of their share of the loss (the batch's mean times B).</summary>
    /// <param name="za">Embeddings of the first views [B, padded width], of any length.</param>
    /// <param name="deltaA">Where share·B·∂(mean loss)/∂za goes; null: not wanted, as deltaB.</param>
    /// <param name="share">1/B for the gradient of the batch's mean.</param>
    /// <param name="right">Counts up the pairs whose second view is the most similar one to the first.</param>
    public double Loss(
        float* weights,
        float* gradient,
        int rows,
        float* za,
        float* zb,
        float* deltaA,
        float* deltaB,
        float share,
        int* right
    )
    {
        Normalise(za, a, lengthsA, rows);
        Normalise(zb, b, lengthsB, rows);
        int columns = Arena.Pad(rows);
        Transpose.Run(rows, width, b, stride, turned, columns);
        kernels.MatrixProduct(rows, width, columns, a, stride, 1, turned, null, forth, false);
        if (right != null)
            *right += CountRight(rows, columns);
        if (!sigmoid)
            return Softmax(rows, columns, za, zb, deltaA, deltaB, share);
        double sum = Sigmoid(weights, rows, columns, za, zb, deltaA, deltaB, share);
        if (own is not { } place || deltaA == null || gradient == null)
            return sum;
        gradient[place.Offset] += (float)ownSlope.Log;
        gradient[place.BiasOffset] += (float)ownSlope.Shift;
        return sum;
    }

    /// <summary>
    /// How the gradient changes along a direction: R{∂L/∂za} for embeddings that change by ta, and R{∂L/∂t'}, R{∂L/∂b} added to the
    /// product. The loss is smooth in its embeddings, so this is a central difference of its gradient; the layers below have theirs
    /// exactly.
    /// </summary>
    /// <param name="direction">Of the weights, as they lie.</param>
    public void Curve(
        float* weights,
        float* direction,
        float* product,
        int rows,
        float* za,
        float* zb,
        float* ta,
        float* tb,
        float* ra,
        float* rb
    )
    {
        long floats = (long)rows * stride;
        double size = kernels.SumSquares(floats, za) + kernels.SumSquares(floats, zb),
            change = kernels.SumSquares(floats, ta) + kernels.SumSquares(floats, tb);
        double own1 = own is { } l ? direction[l.Offset] : 0,
            own2 = own is { } k ? direction[k.BiasOffset] : 0;
        double relative = (size > 0 ? Math.Sqrt(change / size) : 0) + Math.Abs(own1) + Math.Abs(own2);
        if (!(relative > 0) || !double.IsFinite(relative))
        {
            new Span<float>(ra, checked((int)floats)).Fill(relative == 0 ? 0 : float.NaN);
            new Span<float>(rb, checked((int)floats)).Fill(relative == 0 ? 0 : float.NaN);
            return;
        }
        float h = (float)(Step / relative);
        var before = Slope(-h, otherA, otherB);
        var after = Slope(h, ra, rb);
        kernels.Combine(floats, ra, -1, otherA, 0, null, ra);
        kernels.Combine(floats, rb, -1, otherB, 0, null, rb);
        kernels.Scale(floats, 1 / (2 * h), ra);
        kernels.Scale(floats, 1 / (2 * h), rb);
        if (own is not { } place)
            return;
        product[place.Offset] += (float)((after.Log - before.Log) / (2 * h));
        product[place.BiasOffset] += (float)((after.Shift - before.Shift) / (2 * h));

        (double Log, double Shift) Slope(float step, float* deltaA, float* deltaB)
        {
            kernels.Combine(floats, za, step, ta, 0, null, atA);
            kernels.Combine(floats, zb, step, tb, 0, null, atB);
            if (own is { } w)
                ownAt = (weights[w.Offset] + step * direction[w.Offset], weights[w.BiasOffset] + step * direction[w.BiasOffset]);
            Loss(weights, null, rows, atA, atB, deltaA, deltaB, 1, null);
            ownAt = null;
            return ownSlope;
        }
    }

    private double Softmax(int rows, int columns, float* za, float* zb, float* deltaA, float* deltaB, float share)
    {
        long floats = (long)rows * columns;
        kernels.Scale(floats, Factor, forth);
        Transpose.Run(rows, rows, forth, columns, back, columns);
        bool gradient = deltaA != null;
        double sum = 0;
        kernels.CrossEntropy(rows, rows, columns, forth, labels, losses, spare, gradient ? forthSlope : null, 0.5f * share);
        for (int i = 0; i < rows; i++)
            sum += 0.5 * losses[i];
        kernels.CrossEntropy(rows, rows, columns, back, labels, losses, spare, gradient ? backSlope : null, 0.5f * share);
        for (int i = 0; i < rows; i++)
            sum += 0.5 * losses[i];
        if (!gradient)
            return sum;
        // ∂/∂s_ij = forthSlope_ij + backSlope_ji.
        kernels.MatrixProduct(rows, rows, stride, forthSlope, columns, 1, b, null, slopeA, false);
        kernels.MatrixProduct(rows, rows, stride, backSlope, 1, columns, b, null, slopeA, true);
        kernels.MatrixProduct(rows, rows, stride, forthSlope, 1, columns, a, null, slopeB, false);
        kernels.MatrixProduct(rows, rows, stride, backSlope, columns, 1, a, null, slopeB, true);
        Back(za, a, lengthsA, slopeA, Factor, deltaA, rows);
        Back(zb, b, lengthsB, slopeB, Factor, deltaB, rows);
        return sum;
    }

    private double Sigmoid(float* weights, int rows, int columns, float* za, float* zb, float* deltaA, float* deltaB, float share)
    {
        var (log, shift) =
            ownAt ?? (own is { } layer ? (weights[layer.Offset], weights[layer.BiasOffset]) : (scale, InitialWeights.LossBias));
        float factor = kernels.Exponential(log);
        for (int i = 0; i < rows; i++)
        {
            float* row = forth + (nint)i * columns;
            for (int j = 0; j < rows; j++)
                row[j] = factor * row[j] + shift;
        }
        kernels.PairLogistic(rows, rows, columns, forth, losses, share);
        double sum = 0;
        for (int i = 0; i < rows; i++)
            sum += losses[i];
        if (deltaA == null)
            return sum;
        kernels.MatrixProduct(rows, rows, stride, forth, columns, 1, b, null, slopeA, false);
        kernels.MatrixProduct(rows, rows, stride, forth, 1, columns, a, null, slopeB, false);
        if (own is not null)
        {
            // ∂/∂t' = Σ_ij ∂/∂y_ij t s_ij = t Σ_i ⟨a_i, slope_i⟩; ∂/∂b = Σ_ij ∂/∂y_ij.
            double all = 0;
            for (int i = 0; i < rows; i++)
            for (int j = 0; j < rows; j++)
                all += forth[(nint)i * columns + j];
            ownSlope = (factor * Probes.Vectors.Dot((long)rows * stride, a, slopeA), all);
        }
        Back(za, a, lengthsA, slopeA, factor, deltaA, rows);
        Back(zb, b, lengthsB, slopeB, factor, deltaB, rows);
        return sum;
    }

    private void Normalise(float* z, float* to, float* lengths, int rows)
    {
        kernels.RowSquares(rows, width, stride, z, lengths);
        for (int i = 0; i < rows; i++)
        {
            float length = MathF.Sqrt(lengths[i]);
            lengths[i] = length < Shortest ? Shortest : length;
            for (int j = 0; j < stride; j++)
                to[(nint)i * stride + j] = z[(nint)i * stride + j] / lengths[i];
        }
    }

    /// <summary>From ∂/∂u·1/factor of u = z/‖z‖ to ∂/∂z = factor·(slope − u⟨u, slope⟩)/‖z‖.</summary>
    private void Back(float* z, float* u, float* lengths, float* slope, float factor, float* delta, int rows)
    {
        for (int i = 0; i < rows; i++)
        {
            nint at = (nint)i * stride;
            float along = lengths[i] > Shortest ? (float)Probes.Vectors.Dot(stride, u + at, slope + at) : 0;
            for (int j = 0; j < stride; j++)
                delta[at + j] = j < width ? factor * (slope[at + j] - along * u[at + j]) / lengths[i] : 0;
        }
    }

    private int CountRight(int rows, int columns)
    {
        int right = 0;
        for (int i = 0; i < rows; i++)
        {
            float* row = forth + (nint)i * columns;
            int best = 0;
            for (int j = 1; j < rows; j++)
            {
                if (row[j] > row[best])
                    best = j;
            }
            if (best == i && !float.IsNaN(row[best]))
                right++;
        }
        return right;
    }
}
