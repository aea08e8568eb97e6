namespace BatchViz.Core.Data;

/// <summary>How a table's column became a feature: (value − Mean) / Deviation, and 0 where the column is constant.</summary>
/// <param name="Mean">Of the training rows, in the column's unit.</param>
/// <param name="Deviation">Of the training rows (their sum of squares divided by N); 0 where the column is constant.</param>
public sealed record ColumnScale(string Name, double Mean, double Deviation)
{
    /// <summary>Standardises a column of row-major values.</summary>
    /// <returns>False where one of them leaves the range of float32.</returns>
    internal bool Apply(double[] values, float[] features, int first, int stride)
    {
        bool finite = true;
        for (int i = first; i < values.Length; i += stride)
        {
            features[i] = Deviation > 0 ? (float)((values[i] - Mean) / Deviation) : 0;
            finite &= float.IsFinite(features[i]);
        }
        return finite;
    }
}
