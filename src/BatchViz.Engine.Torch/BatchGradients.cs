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
    private readonly bool separable = model.Layout.Network.Separable,
        tapes = exampleStatistics && model.Layout.Network.Separable;

    /// <summary>Dense nets in float32 have a shorter way.</summary>
    private readonly DensePass? dense = model is { Narrow: false, Layout.Network.Model.Kind: ModelKind.Dense }
        ? new DensePass(model.Layout, train)
        : null;

    /// <param name="Sum">Of the losses [M], in double precision.</param>
    /// <param name="Count">Examples of a batch, B.</param>
    /// <param name="Gradient">[M, P] of the mean loss, float32.</param>
    /// <param name="Squares">‖gᵢ‖² of each example's loss over <paramref name="Factor"/> [M, B], float32; null where they are not
    /// measured.</param>
    public readonly record struct Result(Tensor Sum, long Count, Tensor Gradient, Tensor? Squares, double Factor);

    /// <param name="at">The weights that gradients are taken at.</param>
    /// <param name="examples">[M·B], member by member.</param>
    /// <param name="seeds">Of the members.</param>
    /// <param name="scale">What losses are multiplied with on the way, and gradients divided by.</param>
    /// <param name="seen">Takes what batch norms see.</param>
    public Result At(ParameterViews at, Tensor examples, IReadOnlyList<uint> seeds, long update, double scale, List<BatchStatistics>? seen)
    {
        long members = at.Members,
            count = examples.shape[0] / members,
            most = separable && microBatch is { } limit ? Math.Min(limit, count) : count;
        Tensor? sum = null;
        var squares = new List<Tensor>();
        var gradient = at.Gradients!;
        if (dense is null)
        {
            using var still = no_grad();
            gradient.zero_();
        }
        for (long first = 0; first < count; first += most)
        {
            // A part's tensors end with it: that is what parts are for.
            using var part = NewDisposeScope();
            long rows = Math.Min(most, count - first);
            var some = rows == count ? examples : examples.view(members, count).narrow(1, first, rows).reshape(members * rows);
            var (sumOf, squaresOf) = dense is null
                ? Differentiate(at, some, seeds, update, first, count, scale, seen)
                : dense.At(at, some, count, first > 0, tapes);
            sum = sum is null ? sumOf.MoveToOuterDisposeScope() : sum.Plus_(sumOf);
            if (squaresOf is not null)
                squares.Add(squaresOf.MoveToOuterDisposeScope());
            foreach (var batch in seen ?? [])
            {
                batch.Mean.MoveToOuterDisposeScope();
                batch.Variance.MoveToOuterDisposeScope();
            }
        }
        if (scale != 1)
            gradient.Times_((float)(1 / scale));
        return new Result(
            sum!,
            count,
            gradient,
            squares.Count switch
            {
                0 => null,
                1 => squares[0],
                _ => cat(squares, 1),
            },
            dense is null ? count * count / (scale * scale) : (double)count * count
        );
    }

    /// <summary>As <see cref="DensePass.At"/>, by autograd. Squares are those of gradients times the scale.</summary>
    private (Tensor Sum, Tensor? Squares) Differentiate(
        ParameterViews at,
        Tensor examples,
        IReadOnlyList<uint> seeds,
        long update,
        long first,
        long count,
        double scale,
        List<BatchStatistics>? seen
    )
    {
        long rows = examples.shape[0] / at.Members;
        List<LayerCapture> tape = [];
        var pass = new Pass(at)
        {
            Training = true,
            Tape = tapes ? tape : null,
            Seen = seen,
            Mask = (rate, number, shape, size) => Mask(seeds, update, first, rows, rate, number, shape, size),
        };
        var losses = model.Losses(pass, train, examples);
        Autograd.Accumulate(losses, scale / count, tape.Select(touch => touch.Output));
        using var still = no_grad();
        var sum = losses.sum(1, false, ScalarType.Float64);
        if (!tapes)
            return (sum, null);
        Tensor? squares = null;
        foreach (var touch in tape)
        {
            if (Autograd.Of(touch.Output) is not { } delta)
                continue;
            var own = touch.Squares(at, delta);
            squares = squares is null ? own : squares.Plus(own);
        }
        return (sum, squares ?? zeros_like(losses).to(ScalarType.Float32));
    }

    private Tensor Mask(
        IReadOnlyList<uint> seeds,
        long update,
        long first,
        long rows,
        double rate,
        int number,
        TensorShape shape,
        long[] size
    )
    {
        var drop = new DropoutMask(rate);
        int each = (int)shape.Size;
        var values = new float[seeds.Count * rows * each];
        for (int m = 0; m < seeds.Count; m++)
        {
            var stream = new Philox(seeds[m], Purpose.Dropout, (ulong)update);
            for (int row = 0; row < rows; row++)
                drop.Draw(stream, (int)first + row, number, shape, values.AsSpan((int)(m * rows + row) * each, each), shape.Channels);
        }
        var mask = tensor(values, [seeds.Count, rows, shape.Rows, shape.Columns, shape.Channels]).to(device);
        // Values lie pixel after pixel with all channels; an image is [B, M·channels, rows, columns].
        return size.Length == 4 ? mask.permute(1, 0, 4, 2, 3).reshape(size) : mask.reshape(size);
    }
}
