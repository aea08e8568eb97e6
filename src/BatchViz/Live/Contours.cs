namespace BatchViz.Live;

/// <summary>Where a field on a square grid lies at or below a level, as closed outlines (marching squares).</summary>
public static class Contours
{
    /// <param name="values">[n·n], row by row; what is not finite lies above every level.</param>
    /// <returns>Outlines in units of the grid, each closed, the region to the left; a hole runs the other way.</returns>
    public static List<List<(double X, double Y)>> Below(ReadOnlySpan<float> values, int n, double level)
    {
        // A border that lies above everything closes the outlines along the grid's edge.
        int w = n + 2;
        var field = new double[w * w];
        Array.Fill(field, double.PositiveInfinity);
        for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++)
            if (float.IsFinite(values[y * n + x]))
                field[(y + 1) * w + x + 1] = values[y * n + x];

        // Edges: the one to the right of a point is 2·point, the one above it 2·point + 1. Each crossing leads to one other.
        var next = new Dictionary<int, int>();
        for (int y = 0; y < w - 1; y++)
        for (int x = 0; x < w - 1; x++)
        {
            int at = y * w + x,
                low = 2 * at,
                left = low + 1,
                right = 2 * (at + 1) + 1,
                high = 2 * (at + w);
            int inside =
                (field[at] <= level ? 1 : 0)
                | (field[at + 1] <= level ? 2 : 0)
                | (field[at + w + 1] <= level ? 4 : 0)
                | (field[at + w] <= level ? 8 : 0);
            switch (inside)
            {
                case 1:
                    next[low] = left;
                    break;
                case 2:
                    next[right] = low;
                    break;
                case 3:
                    next[right] = left;
                    break;
                case 4:
                    next[high] = right;
                    break;
                case 5:
                    (next[low], next[high]) = (left, right);
                    break;
                case 6:
                    next[high] = low;
                    break;
                case 7:
                    next[high] = left;
                    break;
                case 8:
                    next[left] = high;
                    break;
                case 9:
                    next[low] = high;
                    break;
                case 10:
                    (next[right], next[left]) = (low, high);
                    break;
                case 11:
                    next[right] = high;
                    break;
                case 12:
                    next[left] = right;
                    break;
                case 13:
                    next[low] = right;
                    break;
                case 14:
                    next[left] = low;
                    break;
            }
        }

        var outlines = new List<List<(double, double)>>();
        while (next.Count > 0)
        {
            var outline = new List<(double, double)>();
            for (int edge = next.Keys.First(); next.Remove(edge, out int following); edge = following)
                outline.Add(Crossing(field, w, edge, level));
            outlines.Add(outline);
        }
        return outlines;
    }

    private static (double X, double Y) Crossing(double[] field, int w, int edge, double level)
    {
        int from = edge / 2,
            to = edge % 2 == 0 ? from + 1 : from + w;
        double a = field[from],
            b = field[to];
        double t =
            double.IsInfinity(a) ? 1
            : double.IsInfinity(b) ? 0
            : (level - a) / (b - a);
        double x = from % w - 1,
            y = from / w - 1;
        return edge % 2 == 0 ? (x + t, y) : (x, y + t);
    }
}
