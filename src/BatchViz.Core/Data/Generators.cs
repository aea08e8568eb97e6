using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Data;

/// <summary>
/// The classic small sets. A point is a function of (data seed, split, index) alone. Two-dimensional sets have two balanced
/// classes; noise is the standard deviation added to each coordinate.
/// </summary>
public static class Generators
{
    private const int DefaultTrain = 500,
        DefaultTest = 500;

    public static DataSet Make(DataSpec spec)
    {
        int train = spec.TrainExamples ?? DefaultTrain,
            test = spec.TestExamples ?? Math.Max(train, DefaultTest);
        string name = Titles.DataName(spec.Kind);
        if (SpecReader.SurfaceOf(spec.Kind) is { } surface)
            return new DataSet(name, DataTask.Surface, 2, 1, Shifts(spec, train), null) { Surface = surface };
        if (spec.Kind == DataKind.Drift)
            return new DataSet(
                name,
                DataTask.Classification,
                2,
                2,
                Stream(spec, 0, train, train),
                Stream(spec, train, spec.TestExamples ?? DefaultTest, train)
            )
            {
                Stream = true,
            };
        bool line = spec.Kind == DataKind.Line;
        return new DataSet(
            name,
            line ? DataTask.Regression : DataTask.Classification,
            line ? 1 : 2,
            line ? 1 : 2,
            Points(spec, train, Split.Train),
            Points(spec, test, Split.Test)
        );
    }

    /// <summary>The noise used when the spec gives none.</summary>
    public static double DefaultNoise(DataKind kind) =>
        kind switch
        {
            DataKind.Circles => 0.1,
            DataKind.Xor => 0.1,
            DataKind.Gaussians => 0.6,
            DataKind.Spirals => 0.05,
            DataKind.Moons => 0.15,
            DataKind.Drift => 0.1,
            DataKind.Line => 0.5,
            DataKind.DoubleWell => 2,
            DataKind.Saddle => 1,
            DataKind.Beale => 2,
            _ => 0,
        };

    private static DataSplit Points(DataSpec spec, int count, Split split)
    {
        double noise = spec.Noise ?? DefaultNoise(spec.Kind);
        int inputs = spec.Kind == DataKind.Line ? 1 : 2;
        var features = new float[count * inputs];
        var labels = inputs == 2 ? new int[count] : null;
        var targets = inputs == 1 ? new float[count] : null;
        for (int i = 0; i < count; i++)
        {
            var stream = new Philox(spec.Seed, Purpose.Data, ((ulong)split << 32) | (uint)i);
            if (inputs == 1)
            {
                double x = 2 * stream.Uniform(0) - 1;
                features[i] = (float)x;
                targets![i] = (float)(1.5 * x + 0.5 + noise * stream.Gaussian(1));
                continue;
            }
            int label = i & 1;
            var (px, py) = Point(spec.Kind, label, stream.Uniform(0), stream.Uniform(1));
            features[2 * i] = (float)(px + noise * stream.Gaussian(1));
            features[2 * i + 1] = (float)(py + noise * stream.Gaussian(2));
            labels![i] = label;
        }
        return new DataSplit
        {
            Count = count,
            Inputs = inputs,
            Floats = features,
            Labels = labels,
            Targets = targets,
        };
    }

    /// <summary>
    /// A stretch of a stream: the k-th point is uniform in the square [−1, 1]², and its class is the side of a line through the middle,
    /// whose normal has turned by <see cref="DataSpec.Turns"/>·k/<paramref name="train"/> of a full turn; noise is added to the distance
    /// from the line.
    /// </summary>
    private static DataSplit Stream(DataSpec spec, int first, int count, int train)
    {
        double noise = spec.Noise ?? DefaultNoise(spec.Kind),
            turns = spec.Turns ?? 1;
        var features = new float[2 * count];
        var labels = new int[count];
        for (int i = 0; i < count; i++)
        {
            var stream = new Philox(spec.Seed, Purpose.Data, (ulong)first + (uint)i);
            double x = 2 * stream.Uniform(0) - 1,
                y = 2 * stream.Uniform(1) - 1,
                angle = Math.Tau * turns * (first + i) / train;
            (features[2 * i], features[2 * i + 1]) = ((float)x, (float)y);
            labels[i] = x * Math.Cos(angle) + y * Math.Sin(angle) + noise * stream.Gaussian(1) > 0 ? 1 : 0;
        }
        return new DataSplit
        {
            Count = count,
            Inputs = 2,
            Floats = features,
            Labels = labels,
        };
    }

    /// <summary>A noiseless point of a class, from two uniforms.</summary>
    private static (double X, double Y) Point(DataKind kind, int label, double u, double v)
    {
        switch (kind)
        {
            case DataKind.Circles:
            {
                double radius = label == 1 ? 0.5 * Math.Sqrt(u) : 0.9 + 0.3 * u,
                    angle = Math.Tau * v;
                return (radius * Math.Cos(angle), radius * Math.Sin(angle));
            }
            case DataKind.Xor:
            {
                // v chooses the side by its half and the height within it; class 1 has coordinates of opposite signs.
                double side = v < 0.5 ? -1 : 1,
                    height = Math.Abs(2 * v - 1);
                return (side * (0.08 + 0.92 * u), (label == 1 ? -side : side) * (0.08 + 0.92 * height));
            }
            case DataKind.Gaussians:
                return label == 1 ? (1, 1) : (-1, -1);
            case DataKind.Spirals:
            {
                double r = 0.05 + 0.95 * u,
                    angle = 1.75 * Math.Tau * r + label * Math.PI;
                return (r * Math.Sin(angle), r * Math.Cos(angle));
            }
            case DataKind.Moons:
            {
                double angle = Math.PI * u;
                return label == 0 ? (Math.Cos(angle) - 0.5, Math.Sin(angle) - 0.25) : (0.5 - Math.Cos(angle), 0.25 - Math.Sin(angle));
            }
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "is no two-dimensional set");
        }
    }

    /// <summary>Shifts (a, b) of a finite sum: Gaussian with standard deviation σ, centred so that they sum to zero.</summary>
    private static DataSplit Shifts(DataSpec spec, int count)
    {
        double noise = spec.Noise ?? DefaultNoise(spec.Kind);
        var shifts = new double[2 * count];
        double meanA = 0,
            meanB = 0;
        for (int i = 0; i < count; i++)
        {
            var stream = new Philox(spec.Seed, Purpose.Data, (uint)i);
            meanA += shifts[2 * i] = noise * stream.Gaussian(0);
            meanB += shifts[2 * i + 1] = noise * stream.Gaussian(1);
        }
        var features = new float[2 * count];
        for (int i = 0; i < count; i++)
        {
            features[2 * i] = (float)(shifts[2 * i] - meanA / count);
            features[2 * i + 1] = (float)(shifts[2 * i + 1] - meanB / count);
        }
        return new DataSplit
        {
            Count = count,
            Inputs = 2,
            Floats = features,
        };
    }
}
