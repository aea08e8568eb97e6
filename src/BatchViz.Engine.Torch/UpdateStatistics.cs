using BatchViz.Core.Engines;
using BatchViz.Core.Statistics;
using TorchSharp;
using static BatchViz.Engine.Torch.Arithmetic;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>What an update shows of each member, on the device [M, columns] in double precision until it is read back.</summary>
internal sealed class UpdateStatistics(ParameterLayout layout)
{
    public const int Loss = 0,
        ExampleSquares = 1,
        ExampleNorms = 2,
        ExampleMin = 3,
        ExampleMax = 4,
        UpdateSquare = 5,
        WeightSquare = 6,
        Histogram = 7,
        Largest = Histogram + RecordLayout.HistogramBins,
        Layers = Largest + 1;

    public int Width => Layers + layout.Places.Length;

    /// <summary>What a gradient and the weights [M, P] that it changes show, read back [M × columns]; the step is still to come.</summary>
    public double[] Read(BatchGradients.Result of, Tensor weights)
    {
        int members = (int)of.Sum.shape[0];
        if (of.Gradient.device.type != DeviceType.CPU)
            return Read(
                Together(of, zeros([members], ScalarType.Float64, of.Sum.device), Squares(weights), LayerSquares(of.Gradient, wide: true))
            );
        var rows = new double[members * Width];
        double[] weightSquares = SquaresOf(weights);
        var sums = HostSums.Of<double>(of.Sum);
        var squares = of.Squares is null ? default : HostSums.Of<float>(of.Squares.contiguous());
        var all = HostSums.Of<float>(of.Gradient);
        for (int m = 0; m < members; m++)
        {
            var row = rows.AsSpan(m * Width, Width);
            var gradient = all.Slice((int)(m * layout.Parameters), (int)layout.Parameters);
            (row[Loss], row[WeightSquare]) = (sums[m] / of.Count, weightSquares[m]);
            if (of.Squares is null)
                row.Slice(ExampleSquares, 4).Fill(double.NaN);
            else
                ReadExamples(squares.Slice((int)(m * of.Count), (int)of.Count), of.Factor, row);
            for (int l = 0; l < layout.Places.Length; l++)
                row[Layers + l] = HostSums.SummarizeGradient(
                    gradient.Slice((int)layout.Places[l].Offset, (int)layout.Places[l].Group.Count),
                    row.Slice(Histogram, RecordLayout.HistogramBins),
                    ref row[Largest]
                );
        }
        return rows;
    }

    /// <summary>Adds the squares of steps [M, P] to rows that <see cref="Read(BatchGradients.Result, Tensor)"/> gave.</summary>
    public void ReadSteps(Tensor steps, double[] rows)
    {
        double[] squares = SquaresOf(steps);
        for (int m = 0; m < squares.Length; m++)
            rows[m * Width + UpdateSquare] = squares[m];
    }

    /// <summary>Norms of each layer of the gradients that rows are of, on a device [M, layers].</summary>
    public Tensor LayerNorms(ReadOnlySpan<double> rows, Device device)
    {
        int layers = layout.Places.Length;
        var norms = new double[rows.Length / Width * layers];
        for (int i = 0; i < norms.Length; i++)
            norms[i] = Math.Sqrt(rows[i / layers * Width + Layers + i % layers]);
        return tensor(norms, [norms.Length / layers, layers]).to(device);
    }

    private static Tensor Squares(Tensor vectors)
    {
        using var scope = NewDisposeScope();
        return vectors.Squared().sum(1, false, ScalarType.Float64).MoveToOuterDisposeScope();
    }

    /// <summary>Σ of the squares of each member's vector [M, P].</summary>
    private double[] SquaresOf(Tensor vectors)
    {
        if (vectors.device.type != DeviceType.CPU)
            return Host.Doubles(Squares(vectors));
        var all = HostSums.Of<float>(vectors);
        var squares = new double[vectors.shape[0]];
        for (int m = 0; m < squares.Length; m++)
            squares[m] = HostSums.Squares(all.Slice((int)(m * layout.Parameters), (int)layout.Parameters));
        return squares;
    }

    /// <summary>Σ of squares of each layer of a gradient [M, layers].</summary>
    /// <param name="wide">Squares that float32 cannot hold do not count as infinite.</param>
    public Tensor LayerSquares(Tensor gradient, bool wide)
    {
        using var scope = NewDisposeScope();
        var squares = (wide ? gradient.to(ScalarType.Float64) : gradient).Squared();
        return stack(layout.Places.Select(place => squares.narrow(1, place.Offset, place.Group.Count).sum(1, false, ScalarType.Float64)), 1)
            .MoveToOuterDisposeScope();
    }

    /// <summary>All figures on the device [M, columns], to be given to <see cref="Read(Tensor)"/>.</summary>
    public Tensor Rows(BatchGradients.Result of, Tensor steps, Tensor weights) =>
        Together(of, Squares(steps), Squares(weights), LayerSquares(of.Gradient, wide: false));

    /// <summary>Figures read back [M × columns].</summary>
    public double[] Read(Tensor figures)
    {
        double[] rows = Host.Doubles(figures);
        for (int at = 0; at < rows.Length; at += Width)
        {
            // Until here there are numbers of components from each bin up.
            var bins = rows.AsSpan(at + Histogram, RecordLayout.HistogramBins);
            for (int bin = 0; bin + 1 < bins.Length; bin++)
                bins[bin] -= bins[bin + 1];
        }
        return rows;
    }

    /// <param name="steps">Squares of the steps [M].</param>
    /// <param name="weights">Of the weights before them [M].</param>
    /// <param name="layers">Of each layer of the gradient [M, layers].</param>
    private Tensor Together(BatchGradients.Result of, Tensor steps, Tensor weights, Tensor layers) =>
        cat([of.Sum.Over(of.Count).unsqueeze(1), Examples(of), stack([steps, weights], 1), Summary(of.Gradient), layers], 1);

    /// <summary>
    /// Components of a gradient [M, P] in a bin of the histogram or a higher one, what is no number in the first, and behind them the largest
    /// magnitude of a component [M, bins + 1].
    /// </summary>
    private Tensor Summary(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var sizes = gradient.abs();
        var all = Filled([gradient.shape[0]], layout.Parameters, ScalarType.Float64, gradient.device);
        // Edge by edge, since a sum of truth values takes eight bytes for each.
        return stack(
                [
                    all,
                    .. Enumerable.Range(1, RecordLayout.HistogramBins - 1).Select(bin => Count(bin)),
                    sizes.amax([1]).to(ScalarType.Float64),
                ],
                1
            )
            .MoveToOuterDisposeScope();

        Tensor Count(int bin)
        {
            using var part = NewDisposeScope();
            return sizes.ge(Number(RecordLayout.BinEdge(bin))).sum(1, false, ScalarType.Float64).MoveToOuterDisposeScope();
        }
    }

    /// <summary>
    /// [M, 4]: of examples' gradients the sum of squared norms, the sum, the smallest and the largest norm; no numbers where they are not
    /// measured.
    /// </summary>
    private static Tensor Examples(BatchGradients.Result of)
    {
        if (of.Squares is null)
            return Filled([of.Sum.shape[0], 4], double.NaN, ScalarType.Float64, of.Sum.device);
        var squares = of.Squares.to(ScalarType.Float64).Times_(of.Factor);
        var norms = squares.sqrt();
        return stack([squares.sum(1), norms.sum(1), norms.amin([1]), norms.amax([1])], 1);
    }

    /// <summary>The same of one member on the host.</summary>
    private static void ReadExamples(ReadOnlySpan<float> squares, double factor, Span<double> row)
    {
        double all = 0,
            sum = 0,
            least = double.PositiveInfinity,
            most = 0;
        foreach (float value in squares)
        {
            double square = value * factor,
                norm = Math.Sqrt(square);
            all += square;
            sum += norm;
            // What is no number stays.
            (least, most) = (Math.Min(least, norm), Math.Max(most, norm));
        }
        (row[ExampleSquares], row[ExampleNorms], row[ExampleMin], row[ExampleMax]) = (all, sum, least, most);
    }

    /// <summary>Whether loss and gradient norm are numbers that a record can hold.</summary>
    public bool Finite(ReadOnlySpan<double> row) => float.IsFinite((float)row[Loss]) && float.IsFinite((float)Math.Sqrt(Square(row)));

    /// <summary>Writes one record; returns the averages behind the noise scale with this update in them.</summary>
    /// <param name="count">Examples in the batch.</param>
    /// <param name="population">Examples that the batch was drawn from without replacement; +∞ for drawing with replacement.</param>
    public NoiseScale Write(
        Span<float> record,
        ReadOnlySpan<double> row,
        NoiseScale noise,
        double rate,
        int count,
        double population,
        RecordLayout columns
    )
    {
        bool finite = Finite(row);
        double square = Square(row),
            update = finite ? row[UpdateSquare] : 0;
        record[RecordLayout.Loss] = (float)row[Loss];
        record[RecordLayout.GradientNorm] = (float)Math.Sqrt(square);
        record[RecordLayout.UpdateNorm] = (float)Math.Sqrt(update);
        record[RecordLayout.LearningRate] = (float)rate;
        record[RecordLayout.BatchSize] = count;
        record[RecordLayout.UpdateRatio] = update == 0 ? 0 : (float)Math.Sqrt(update / row[WeightSquare]);
        record[RecordLayout.ExampleNormMean] = (float)(row[ExampleNorms] / count);
        record[RecordLayout.ExampleNormMin] = (float)row[ExampleMin];
        record[RecordLayout.ExampleNormMax] = (float)row[ExampleMax];
        double variance = NoiseScale.Variance(row[ExampleSquares], square, count);
        noise = noise.With(variance, square, count, population);
        record[RecordLayout.GradientVariance] = (float)variance;
        record[RecordLayout.NoiseScale] = (float)noise.Value;
        for (int bin = 0; bin < RecordLayout.HistogramBins; bin++)
            record[RecordLayout.Histogram + bin] = (float)(row[Histogram + bin] / layout.Parameters);
        for (int l = 0; l < layout.Places.Length; l++)
            record[RecordLayout.LayerGradientNorm(l)] = (float)Math.Sqrt(row[Layers + l]);
        if (columns.GradientInfinityNorm is >= 0 and var infinityNorm)
            record[infinityNorm] = (float)row[Largest];
        return noise;
    }

    private double Square(ReadOnlySpan<double> row)
    {
        double sum = 0;
        for (int l = 0; l < layout.Places.Length; l++)
            sum += row[Layers + l];
        return sum;
    }
}
