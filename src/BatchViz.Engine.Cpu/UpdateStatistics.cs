namespace BatchViz.Engine.Cpu;

/// <summary>What one update of one member has shown. Reused from update to update.</summary>
/// <param name="layers">Number of layers with weights.</param>
internal sealed class UpdateStatistics(int layers)
{
    /// <summary>Mean loss of the batch.</summary>
    public double Loss;

    /// <summary>‖gradient‖² of each layer.</summary>
    public readonly double[] Squares = new double[layers];

    /// <summary>The gradient as a whole.</summary>
    public GradientSummary Gradient;

    /// <summary>Of the examples' own gradients: sum of the squared norms, sum, smallest and largest of the norms.</summary>
    public double ExampleSquares,
        ExampleNorms,
        ExampleMin,
        ExampleMax;

    /// <summary>‖Δw‖², ‖w‖² before and, from models that keep it, after.</summary>
    public double UpdateSquare,
        WeightSquare,
        NextWeightSquare;

    public void Clear()
    {
        Gradient = default;
        (Loss, ExampleSquares, ExampleNorms, ExampleMin, ExampleMax) = (0, 0, 0, double.PositiveInfinity, 0);
        UpdateSquare = 0;
    }

    /// <summary>‖gradient‖², layers added up in order.</summary>
    public double Square
    {
        get
        {
            double sum = 0;
            foreach (double square in Squares)
                sum += square;
            return sum;
        }
    }

    /// <summary>Whether loss and gradient norm are numbers that a record can hold.</summary>
    public bool Finite => float.IsFinite((float)Loss) && float.IsFinite((float)Math.Sqrt(Square));

    /// <summary>Makes everything about single examples undefined.</summary>
    public void LeaveExamplesOut() => ExampleSquares = ExampleNorms = ExampleMin = ExampleMax = double.NaN;

    /// <summary>More examples, with the squared norms of their gradients and the norms.</summary>
    public void AddExamples(ReadOnlySpan<float> squares, ReadOnlySpan<float> norms)
    {
        double squareSum = ExampleSquares,
            normSum = ExampleNorms;
        float least = (float)ExampleMin,
            most = (float)ExampleMax;
        for (int b = 0; b < norms.Length; b++)
        {
            float norm = norms[b];
            squareSum += squares[b];
            normSum += norm;
            least = norm < least ? norm : least;
            most = norm > most ? norm : most;
        }
        (ExampleSquares, ExampleNorms, ExampleMin, ExampleMax) = (squareSum, normSum, least, most);
    }

    /// <summary>One more example with a gradient of this squared norm.</summary>
    public void AddExample(double square)
    {
        double norm = Math.Sqrt(square);
        ExampleSquares += square;
        ExampleNorms += norm;
        // NaN goes into both extremes.
        ExampleMin = Math.Min(ExampleMin, norm);
        ExampleMax = Math.Max(ExampleMax, norm);
    }
}
