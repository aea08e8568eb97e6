using BatchViz.Core.Engines;
using BatchViz.Core.Statistics;
using BatchViz.Engine.Cpu.Kernels;

namespace BatchViz.Engine.Cpu;

/// <summary>Makes a step record of what an update has shown.</summary>
internal static unsafe class StepRecordWriter
{
    /// <summary>Writes one record; returns the averages behind the noise scale with this update in them.</summary>
    /// <param name="count">Examples in the batch.</param>
    /// <param name="population">Examples that the batch was drawn from without replacement; +∞ for drawing with replacement.</param>
    public static NoiseScale Write(
        Span<float> record,
        UpdateStatistics figures,
        NoiseScale noise,
        double learningRate,
        int count,
        double population,
        WeightLayout layout,
        RecordLayout columns
    )
    {
        double square = figures.Square;
        record[RecordLayout.Loss] = (float)figures.Loss;
        record[RecordLayout.GradientNorm] = (float)Math.Sqrt(square);
        record[RecordLayout.UpdateNorm] = (float)Math.Sqrt(figures.UpdateSquare);
        record[RecordLayout.LearningRate] = (float)learningRate;
        record[RecordLayout.BatchSize] = count;
        record[RecordLayout.UpdateRatio] = figures.UpdateSquare == 0 ? 0 : (float)Math.Sqrt(figures.UpdateSquare / figures.WeightSquare);
        record[RecordLayout.ExampleNormMean] = (float)(figures.ExampleNorms / count);
        record[RecordLayout.ExampleNormMin] = (float)figures.ExampleMin;
        record[RecordLayout.ExampleNormMax] = (float)figures.ExampleMax;
        double variance = NoiseScale.Variance(figures.ExampleSquares, square, count);
        noise = noise.With(variance, square, count, population);
        record[RecordLayout.GradientVariance] = (float)variance;
        record[RecordLayout.NoiseScale] = (float)noise.Value;
        long padding = layout.Floats - layout.Parameters;
        bool formed = figures.Gradient.Any;
        double share = formed ? 1.0 / layout.Parameters : double.NaN;
        for (int bin = 0; bin < RecordLayout.HistogramBins; bin++)
            record[RecordLayout.Histogram + bin] = (float)((figures.Gradient.Counts[bin] - (bin == 0 ? padding : 0)) * share);
        for (int l = 0; l < figures.Squares.Length; l++)
            record[RecordLayout.LayerGradientNorm(l)] = (float)Math.Sqrt(figures.Squares[l]);
        if (columns.GradientInfinityNorm is >= 0 and var infinityNorm)
            record[infinityNorm] = formed ? figures.Gradient.Largest : float.NaN;
        return noise;
    }
}
