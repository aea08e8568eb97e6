namespace BatchViz.Core.Numerics;

/// <summary>Eigenvalues and eigenvectors of a real symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, section 8.5).</summary>
public static class SymmetricEigen
{
    /// <param name="matrix">[n, n] row-major, symmetric; not changed.</param>
    /// <returns>Eigenvalues, largest first, and the eigenvectors as columns of [n, n], to about 1e-14 of the norm.</returns>
    public static (double[] Values, double[] Vectors) Decompose(double[] matrix, int n)
    {
        var a = (double[])matrix.Clone();
        var v = new double[n * n];
        for (int i = 0; i < n; i++)
            v[i * n + i] = 1;
        double norm = Math.Sqrt(a.Sum(x => x * x));
        for (int sweep = 0; sweep < 60; sweep++)
        {
            double off = 0;
            for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                off += a[p * n + q] * a[p * n + q];
            if (!(Math.Sqrt(off) > 1e-14 * norm))
                break;
            for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                Rotate(a, v, n, p, q);
        }
        var order = Enumerable.Range(0, n).OrderByDescending(i => a[i * n + i]).ToArray();
        var values = order.Select(i => a[i * n + i]).ToArray();
        var vectors = new double[n * n];
        for (int k = 0; k < n; k++)
        for (int i = 0; i < n; i++)
            vectors[i * n + k] = v[i * n + order[k]];
        return (values, vectors);
    }

    private static void Rotate(double[] a, double[] v, int n, int p, int q)
    {
        double apq = a[p * n + q];
        if (apq == 0)
            return;
        double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
        double t = Math.CopySign(1, theta) / (Math.Abs(theta) + Math.Sqrt(theta * theta + 1));
        if (!double.IsFinite(t))
            t = 0;
        double c = 1 / Math.Sqrt(t * t + 1),
            s = t * c;
        for (int k = 0; k < n; k++)
        {
            double akp = a[k * n + p],
                akq = a[k * n + q];
            a[k * n + p] = c * akp - s * akq;
            a[k * n + q] = s * akp + c * akq;
        }
        for (int k = 0; k < n; k++)
        {
            double apk = a[p * n + k],
                aqk = a[q * n + k],
                vkp = v[k * n + p],
                vkq = v[k * n + q];
            a[p * n + k] = c * apk - s * aqk;
            a[q * n + k] = s * apk + c * aqk;
            v[k * n + p] = c * vkp - s * vkq;
            v[k * n + q] = s * vkp + c * vkq;
        }
    }
}
