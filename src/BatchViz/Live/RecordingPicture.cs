using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using BatchViz.Api;
using BatchViz.Recording;
using BatchViz.Telemetry;
using BatchViz.Training;

namespace BatchViz.Live;

/// <summary>
/// A recording's landscape seen from above, small: the surface in quiet bands, and every run's path. All of it is SVG path data.
/// </summary>
/// <param name="Bands">From high to low, each over those before it.</param>
/// <param name="Traces">By run.</param>
public sealed partial record RecordingPicture(IReadOnlyList<RecordingPicture.Band> Bands, IReadOnlyList<RecordingPicture.Trace> Traces)
{
    public const int Width = 240,
        Height = 135;

    private const int Levels = 9,
        MostResolution = 33;
    private const double Step = 1.5;

    /// <param name="Tone">0 where the surface is highest, 1 where it is lowest.</param>
    public readonly record struct Band(string Path, double Tone);

    /// <param name="X">Where the path ends.</param>
    public readonly record struct Trace(string Path, long BatchSize, string X, string Y);

    /// <summary>Null where there is nothing to draw.</summary>
    public static RecordingPicture? Of(Landscape landscape, IReadOnlyList<long> batchSizes)
    {
        var region = landscape.Region;
        if (!(region.X1 > region.X0 && region.Y1 > region.Y0))
            return null;
        var traces = new List<Trace>();
        for (int r = 0; r < landscape.Paths.Count && r < batchSizes.Count; r++)
        {
            if (
                Draw(landscape.Paths[r], region.X0, Width / (region.X1 - region.X0), region.Y0, Height / (region.Y1 - region.Y0))
                is var (path, x, y)
            )
                traces.Add(new Trace(path, batchSizes[r], x, y));
        }
        return new RecordingPicture(landscape.Layers.Count > 0 ? Surface(landscape.Layers[^1]) : [], traces);
    }

    /// <summary>Of a recording's runs in order: a fork has its parent's unless it was given another.</summary>
    public static IReadOnlyList<long> BatchSizes(RecordingManifest manifest)
    {
        var sizes = new Dictionary<string, long>();
        foreach (var run in manifest.Runs)
        {
            string? set = run.Set?.GetValueOrDefault("batchSize");
            sizes[run.Id] =
                set == "full" ? manifest.Data.TrainExamples
                : long.TryParse(set, NumberStyles.None, CultureInfo.InvariantCulture, out long given) ? given
                : run.Parent is not null ? sizes.GetValueOrDefault(run.Parent, 1)
                : OfId().Match(run.Id) is { Success: true } id
                && long.TryParse(id.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out long own)
                    ? own
                : 1;
        }
        return [.. sizes.Values];
    }

    private static IReadOnlyList<Band> Surface(GridLayer layer)
    {
        int every = (layer.Resolution - 1 + MostResolution - 2) / (MostResolution - 1),
            n = (layer.Resolution - 1) / every + 1;
        var losses = new float[n * n];
        for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++)
            losses[y * n + x] = layer.Losses[y * every * layer.Resolution + x * every];
        float[] sorted = [.. losses.Where(float.IsFinite).Order()];
        if (sorted.Length == 0)
            return [];
        // Evenly in the logarithm above the floor, so that the valley has shape beside the heights around it.
        double low = sorted[0],
            high = sorted[^1],
            floor = Math.Max(1e-12, 0.02 * (sorted[sorted.Length / 2] - low));
        double height = Math.Log((high - low + floor) / floor);
        var bands = new List<Band>();
        for (int k = Levels; k >= 1; k--)
        {
            double level = low - floor + floor * Math.Exp(height * k / (Levels + 1));
            var path = new StringBuilder();
            foreach (var outline in Contours.Below(losses, n, level))
            {
                foreach (var (x, y) in outline)
                    path.Append(path.Length == 0 || path[^1] == 'Z' ? 'M' : 'L')
                        .Append(Number(x / (n - 1) * Width))
                        .Append(' ')
                        .Append(Number(Height - y / (n - 1) * Height));
                path.Append('Z');
            }
            if (path.Length > 0)
                bands.Add(new Band(path.ToString(), 1 - (k - 1.0) / Levels));
        }
        return bands;
    }

    private static (string Path, string X, string Y)? Draw(AppendOnly<PathPoint> points, double x0, double scaleX, double y0, double scaleY)
    {
        var path = new StringBuilder();
        var (lastX, lastY) = (double.NaN, double.NaN);
        var all = points.ToArray();
        for (int i = 0; i < all.Length; i++)
        {
            double x = (all[i].X - x0) * scaleX,
                y = Height - (all[i].Y - y0) * scaleY;
            if (!double.IsFinite(x) || !double.IsFinite(y) || Math.Abs(x) > 10 * Width || Math.Abs(y) > 10 * Height)
                continue;
            if (Math.Abs(x - lastX) + Math.Abs(y - lastY) < Step && i < all.Length - 1)
                continue;
            path.Append(path.Length == 0 ? 'M' : 'L').Append(Number(x)).Append(' ').Append(Number(y));
            (lastX, lastY) = (x, y);
        }
        return path.Length == 0 ? null : (path.ToString(), Number(lastX), Number(lastY));
    }

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    [GeneratedRegex("^b([0-9]+)-")]
    private static partial Regex OfId();
}

/// <summary>Pictures that were drawn beforehand (examples/pictures).</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata, Converters = [typeof(FiniteDoubleConverter)])]
[JsonSerializable(typeof(RecordingPicture))]
internal sealed partial class PictureContext : JsonSerializerContext;
