/* No server at all. */
int main(void)
{
    return 1;
}
