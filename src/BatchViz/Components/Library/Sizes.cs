using System.Globalization;

namespace BatchViz.Components.Library;

/// <summary>Bytes for people: three digits and a unit.</summary>
public static class Sizes
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB"];

    public static string Of(long bytes)
    {
        double amount = bytes;
        int unit = 0;
        for (; amount >= 999.5 && unit < Units.Length - 1; unit++)
            amount /= 1000;
        string format =
            unit == 0 || amount >= 99.95 ? "0"
            : amount >= 9.995 ? "0.#"
            : "0.##";
        return string.Create(CultureInfo.InvariantCulture, $"{amount.ToString(format, CultureInfo.InvariantCulture)} {Units[unit]}");
    }
}
