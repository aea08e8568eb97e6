using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>Gradients of batches by autograd for M members at once, with what each example's own gradient measures.</summary>
/// <param name="exampleStatistics">Whether examples' own gradients are measured, where they have any.</param>
internal sealed class BatchGradients(StackedModel model, TorchSplit train, bool exampleStatistics, int? microBatch, Device device)
{
    private readonly bool separable = model.Layout.Network.Separable, tapes = exampleStatistics && model.Layout.Network.Separable;

    /// <summary>Dense nets in float32 have a shorter way.</summary>
    private readonly DensePass? dense = model is { Narrow: false, Layout.Network.Model.Kind: ModelKind.Dense } ? new DensePass(model.Layout, train) : null;

    private readonly ParameterLayout layout = model.Layout;

    /// <param name="Loss">Mean losses [M].</param>
    /// <param name="Gradient">[M, P], float32.</param>
    /// <param name="Examples">[M, 4] of <see cref="UpdateFigures.Row"/>, or null.</param>
    public readonly record struct Result(Tensor Loss, Tensor Gradient, Tensor? Examples);

    /// <param name="at">The weights that gradients are taken at.</param>
    /// <param name="examples">[M·B], member by member.</param>
    /// <param name="seeds">Of the members.</param>
    /// <param name="scale">What losses are multiplied with on the way, and gradients divided by.</param>
    /// <param name="seen">Takes what batch norms see.</param>
    public Result At(Leaves at, Tensor examples, IReadOnlyList<uint> seeds, long update, double scale, List<BatchStatistics>? seen)
    {
        long members = at.Members, count = examples.shape[0] / members, most = separable && microBatch is { } limit ? Math.Min(limit, count) : count;
        Tensor? sum = null, gradient = null, squares = null;
        for (long first = 0; first < count; first += most)
        {
            long rows = Math.Min(most, count - first);
            var some = rows == count ? examples : examples.view(members, count).narrow(1, first, rows).reshape(members * rows);
            if (dense is not null)
            {
                var (sumOf, gradientOf, squaresOf) = dense.At(at, some, count, tapes);
                (sum, gradient) = (sum is null ? sumOf : sum.add_(sumOf), gradient is null ? gradientOf : gradient.add_(gradientOf));
                if (squaresOf is not null) squares = squares is null ? squaresOf : cat([squares, squaresOf], 1);
                continue;
            }
            var tape = tapes ? new List<Touch>() : null;
            long from = first;
            var pass = new Pass(at) { Training = true, Tape = tape, Seen = seen, Mask = (rate, number, shape, size) => Mask(seeds, update, from, rows, rate, number, shape, size) };
            var losses = model.Losses(pass, train, some);
            var sums = losses.sum(1, false, ScalarType.Float64);
            List<Tensor> by = [.. at.All];
            if (tape is not null) by.AddRange(tape.Select(touch => touch.Output));
            var slopes = Autograd.Slopes(sums.sum() * (scale / count), by);
            var part = Flat(slopes, at);
            (sum, gradient) = (sum is null ? sums.detach() : sum.add_(sums.detach()), gradient is null ? part : gradient.add_(part));
            if (tape is null) continue;
            Tensor? own = null;
            for (int t = 0; t < tape.Count; t++)
            {
                if (slopes[at.All.Count + t] is not { } delta) continue;
                var square = tape[t].Squares(at, delta);
                own = own is null ? square : own + square;
            }
            own ??= zeros_like(losses);
            squares = squares is null ? own : cat([squares, own], 1);
        }
        if (scale != 1) gradient!.mul_((float)(1 / scale));
        return new Result(sum! / count, gradient!, squares is null ? null : Examples(dense is not null ? squares.to(ScalarType.Float64) : squares.to(ScalarType.Float64) * (count * count / (scale * scale))));
    }

    private static Tensor Examples(Tensor squares)
    {
        var norms = squares.sqrt();
        return stack([squares.sum(1), norms.sum(1), norms.amin([1]), norms.amax([1])], 1);
    }

    /// <summary>Gradients by all leaves as one vector [M, P].</summary>
    private Tensor Flat(Tensor?[] slopes, Leaves at)
    {
        long members = at.Members;
        if (at.All.Count == 1) return slopes[0]!.reshape(members, layout.Parameters).clone();
        var parts = new Tensor[at.All.Count];
        for (int i = 0; i < parts.Length; i++)
            parts[i] = slopes[i] is { } slope ? slope.reshape(members, -1) : zeros([members, at.All[i].NumberOfElements / members], ScalarType.Float32, at.Flat.device);
        return cat(parts, 1);
    }

    private Tensor Mask(IReadOnlyList<uint> seeds, long update, long first, long rows, double rate, int number, TensorShape shape, long[] size)
    {
        var drop = new DropoutMask(rate);
        int each = (int)shape.Size;
        var values = new float[seeds.Count * rows * each];
        for (int m = 0; m < seeds.Count; m++)
        {
            var stream = new Philox(seeds[m], Purpose.Dropout, (ulong)update);
            for (int row = 0; row < rows; row++) drop.Draw(stream, (int)first + row, number, shape, values.AsSpan((int)(m * rows + row) * each, each), shape.Channels);
        }
        var mask = tensor(values, [seeds.Count, rows, shape.Rows, shape.Columns, shape.Channels]).to(device);
        // Values lie pixel after pixel with all channels; an image is [B, M·channels, rows, columns].
        return size.Length == 4 ? mask.permute(1, 0, 4, 2, 3).reshape(size) : mask.reshape(size);
    }
}
